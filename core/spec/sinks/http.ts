// The sink that is somebody's HTTP service: what people declare of it, and what it means.
import * as z from 'zod';
import { readTargetUrl } from '#core/network/target-url.ts';
import type { SpecProblem } from '#core/spec/problem.ts';
import { parseDuration } from '#core/spec/quantity.ts';
import { completeSinkAuth, declaredSinkAuth, type SinkAuthSpec } from '#core/spec/sinks/auth.ts';
import { type BatchSpec, batchDefaults, completeBatch, declaredBatch } from '#core/spec/sinks/batch.ts';

export const httpMethods = ['POST', 'PUT', 'PATCH'] as const;
export const httpFormats = ['array', 'ndjson', 'single'] as const;
export const httpCompressions = ['none', 'gzip'] as const;

export const declaredHttp = z.strictObject({
  url: z.string().min(1).max(2_048).meta({
    description: 'Where requests go: https, or http on an address that the platform opens. No credentials in it.',
  }),
  method: z.enum(httpMethods).optional().meta({ description: 'Default POST.' }),
  format: z.enum(httpFormats).optional().meta({
    description: 'The body: a JSON `array` of events, `ndjson` lines, or a `single` event a request. Default array.',
  }),
  envelope: z.boolean().optional().meta({
    description:
      'Each event as `{"key", "offset", "timestamp", "event"}`, so that a receiver can know it again. Default false.',
  }),
  headers: z
    .record(z.string().max(64), z.string().max(1_024))
    .optional()
    .meta({ description: 'Sent with each request; nothing secret.' }),
  compression: z.enum(httpCompressions).optional().meta({
    description: 'Of bodies from 1 KiB: `gzip` where the receiver unpacks `Content-Encoding: gzip`. Default none.',
  }),
  batch: declaredBatch.optional(),
  timeout: z.string().optional().meta({ description: 'For a whole exchange: 1s to 5m. Default 30s.' }),
  auth: declaredSinkAuth.optional(),
});

export interface HttpSink {
  readonly name: string;
  readonly kind: 'http';
  readonly url: string;
  readonly method: (typeof httpMethods)[number];
  readonly format: (typeof httpFormats)[number];
  readonly envelope: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: (typeof httpCompressions)[number];
  readonly batch: BatchSpec;
  readonly timeoutMs: number;
  readonly auth: SinkAuthSpec | null;
}

const timeoutDefault = '30s';

/** Headers that frame the request, or that the sink sets itself. */
const ownHeaders = [
  ...[
    'host',
    'connection',
    'keep-alive',
    'proxy-connection',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
    'expect',
  ],
  ...['content-length', 'content-type', 'content-encoding', 'idempotency-key'],
];
const secretHeaders = /^(authorization|proxy-authorization|cookie|.*(token|secret|api-?key|password|signature).*)$/;

export function completeHttp(
  name: string,
  declared: z.infer<typeof declaredHttp>,
  path: string,
  problems: SpecProblem[],
): HttpSink {
  const url = readTargetUrl(declared.url);
  if (!url.ok) problems.push({ path: `${path}.url`, ...url.problem });
  const timeout = parseDuration(declared.timeout ?? timeoutDefault);
  if (!timeout.ok || timeout.value < 1_000 || timeout.value > 300_000)
    problems.push({ path: `${path}.timeout`, message: `got ${declared.timeout}, expected 1s to 5m` });
  const format = declared.format ?? 'array';
  const single = format === 'single';
  if (single && (declared.batch?.maxRecords ?? 1) > 1)
    problems.push({
      path: `${path}.batch.maxRecords`,
      message: `got ${declared.batch?.maxRecords}, but format single sends one event a request`,
      fix: 'leave it out, or use format array or ndjson',
    });
  const batch = completeBatch(declared.batch, batchDefaults.http, `${path}.batch`, problems);
  return {
    name,
    kind: 'http',
    url: url.ok ? url.value : declared.url,
    method: declared.method ?? 'POST',
    format,
    envelope: declared.envelope ?? false,
    headers: readHeaders(declared.headers ?? {}, `${path}.headers`, problems),
    compression: declared.compression ?? 'none',
    batch: single ? { ...batch, maxRecords: 1 } : batch,
    timeoutMs: timeout.ok ? timeout.value : 0,
    auth: completeSinkAuth(declared.auth, 'bearer'),
  };
}

function readHeaders(
  declared: Readonly<Record<string, string>>,
  path: string,
  problems: SpecProblem[],
): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const [typed, value] of Object.entries(declared)) {
    const name = typed.toLowerCase();
    const at = `${path}.${typed}`;
    if (!/^[a-z0-9-]+$/.test(name)) problems.push({ path: at, message: 'expected the name of an HTTP header' });
    else if (ownHeaders.includes(name) || name.startsWith('millrace-'))
      problems.push({ path: at, message: 'the sink sets this header itself', fix: 'leave it out' });
    else if (secretHeaders.test(name))
      problems.push({
        path: at,
        message: 'this header carries a secret, which must not stand in a declaration',
        fix: `name a secret instead: \`auth: { secret: <name>, header: ${typed} }\``,
      });
    else if (!/^[\x20-\x7e]*$/.test(value)) problems.push({ path: at, message: 'expected printable ASCII' });
    else headers[name] = value;
  }
  return headers;
}
