// The sink that is an OpenSearch or Elasticsearch cluster: what people declare of it, and what it means.
import * as z from 'zod';
import { readTargetUrl } from '#core/network/target-url.ts';
import type { SpecProblem } from '#core/spec/problem.ts';
import { completeSinkAuth, declaredSinkAuth, type SinkAuthSpec } from '#core/spec/sinks/auth.ts';
import { type BatchSpec, batchDefaults, completeBatch, declaredBatch } from '#core/spec/sinks/batch.ts';
import { parseIndexPattern } from '#core/spec/sinks/index-pattern.ts';

export const declaredOpenSearch = z.strictObject({
  url: z.string().min(1).max(2_048).optional().meta({
    description:
      'The cluster: https, or http on an address that the platform opens. No credentials in it. Default: the cluster that the platform names, if it names one.',
  }),
  index: z.string().min(1).max(255).meta({
    description:
      'The index, or one for each period of the event time: `plays-{ts:yyyy.MM.dd}` (UTC; `ts` is a column of the output).',
  }),
  id: z.string().min(1).optional().meta({
    description: 'The output column that is the document’s id. Without it `<topic>-<partition>-<offset>-<topic id>`.',
  }),
  batch: declaredBatch.optional(),
  auth: declaredSinkAuth.optional(),
});

export interface OpenSearchSink {
  readonly name: string;
  readonly kind: 'opensearch';
  /** Null: the platform's. */
  readonly url: string | null;
  readonly index: string;
  /** The output column (or input field, without `select`) that is the document's id; null: the record's place. */
  readonly id: string | null;
  readonly batch: BatchSpec;
  readonly auth: SinkAuthSpec | null;
}

export function completeOpenSearch(
  name: string,
  declared: z.infer<typeof declaredOpenSearch>,
  path: string,
  problems: SpecProblem[],
): OpenSearchSink {
  const url = declared.url === undefined ? null : readTargetUrl(declared.url);
  if (url?.ok === false) problems.push({ path: `${path}.url`, ...url.problem });
  else if (url !== null && new URL(url.value).search !== '')
    problems.push({ path: `${path}.url`, message: `got a query (${new URL(url.value).search}), expected none` });
  const pattern = parseIndexPattern(declared.index);
  if (!pattern.ok) problems.push({ path: `${path}.index`, message: pattern.problem });
  return {
    name,
    kind: 'opensearch',
    url: url?.ok ? url.value.replace(/\/+$/, '') : null,
    index: declared.index,
    id: declared.id ?? null,
    batch: completeBatch(declared.batch, batchDefaults.opensearch, `${path}.batch`, problems),
    auth: completeSinkAuth(declared.auth, 'basic'),
  };
}
