// The bulk API of OpenSearch and Elasticsearch: records to one request, and its answer item by item.
import type { Answer, Outgoing } from './remote/endpoint.ts';
import { type Again, excerpt, type ItemOutcome, type Judgement, written } from './remote/judgement.ts';
import type { HeldRecord } from './remote/lane.ts';
import type { Protocol } from './remote/sender.ts';
import { zip } from './remote/zip.ts';

/** Only what is looked at: an answer about a thousand documents is long else. */
const wantedFields =
  'errors,items.*._id,items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by';

/** A document as it stands in the request: what to do with it, and itself on one line. */
export function bulkPayload(index: string, id: string, document: Uint8Array): Buffer {
  const action = Buffer.from(`${JSON.stringify({ index: { _index: index, _id: id } })}\n`);
  const payload = Buffer.allocUnsafe(action.length + document.length + 1);
  action.copy(payload);
  payload.set(document, action.length);
  for (let at = action.length; at < payload.length - 1; at++)
    // In JSON they stand between tokens only; in anything else they would begin another action.
    if (payload[at] === 0x0a || payload[at] === 0x0d) payload[at] = 0x20;
  payload[payload.length - 1] = 0x0a;
  return payload;
}

export function bulkProtocol(basePath: string): Protocol {
  const path = `${basePath}/_bulk?filter_path=${encodeURIComponent(wantedFields)}`;
  return { encode: (records) => encode(path, records), judge };
}

async function encode(path: string, records: readonly HeldRecord[]): Promise<Outgoing> {
  const { body, headers } = await zip(Buffer.concat(records.map(({ payload }) => payload)));
  return { method: 'POST', path, headers: { 'content-type': 'application/x-ndjson', ...headers }, body };
}

export function judge(records: readonly HeldRecord[], answer: Answer): Judgement {
  const { status } = answer;
  if (status === 200) return judgeItems(records, answer);
  const message = `the cluster answered ${status}: ${excerpt(answer.body)}`;
  if (status === 413) return { kind: 'refused', refusal: { errorClass: 'too-large', code: 'sink-413', message } };
  if (status === 400) return { kind: 'refused', refusal: { errorClass: 'rejected', code: 'sink-400', message } };
  return again(codeOf(status), message, answer.retryAfterMs);
}

const again = (code: string, message: string, afterMs: number | null): Again => ({
  ...{ kind: 'again', code, message, afterMs },
});

function codeOf(status: number): string {
  if (status === 401 || status === 403) return 'sink-unauthorized';
  if (status === 429) return 'sink-throttled';
  return status >= 300 && status < 400 ? 'sink-redirects' : 'sink-refused';
}

interface BulkItem {
  readonly id: unknown;
  readonly status: number;
  readonly type: string;
  readonly reason: string;
}

/** An answer that does not account for each document in order is no answer: all are sent again, under the same ids. */
function judgeItems(records: readonly HeldRecord[], answer: Answer): Judgement {
  const items = answer.isCut ? null : readItems(answer.body);
  const isWhole = items?.length === records.length && items.every(({ id }, index) => id === records[index]!.id);
  if (!isWhole)
    return again(
      'sink-answer-malformed',
      `the cluster's answer to ${records.length} documents does not say what became of each: ${excerpt(answer.body)}`,
      null,
    );
  return { kind: 'items', items: items!.map((item) => judgeItem(item, answer.retryAfterMs)) };
}

function readItems(body: Buffer): readonly BulkItem[] | null {
  let json: unknown;
  try {
    json = JSON.parse(body.toString());
  } catch {
    return null;
  }
  const items = fieldOf(json, 'items');
  if (!Array.isArray(items)) return null;
  return items.map((item: unknown) => {
    const index = fieldOf(item, 'index');
    const error = fieldOf(index, 'error');
    const cause = fieldOf(fieldOf(error, 'caused_by'), 'reason');
    const status = fieldOf(index, 'status');
    return {
      id: fieldOf(index, '_id'),
      status: typeof status === 'number' ? status : 0,
      type: textOf(fieldOf(error, 'type')),
      reason: [textOf(fieldOf(error, 'reason')), textOf(cause)].filter((text) => text !== '').join(': '),
    };
  });
}

const fieldOf = (json: unknown, name: string): unknown =>
  typeof json === 'object' && json !== null && Object.hasOwn(json, name)
    ? (json as Record<string, unknown>)[name]
    : undefined;
const textOf = (json: unknown): string => (typeof json === 'string' ? json : '');

/** Said of an index or the cluster, whatever the document: no document can help it. */
const notTheDocument = ['validation_exception', 'cluster_block_exception', 'index_closed_exception'];

function judgeItem({ status, type, reason }: BulkItem, afterMs: number | null): ItemOutcome {
  if (status >= 200 && status < 300) return written;
  const message = `the cluster answered ${status} for the document: ${excerpt(Buffer.from(`${type}: ${reason}`))}`;
  const isRefused = [400, 409, 413].includes(status) && !notTheDocument.includes(type);
  if (!isRefused) return again(notTheDocument.includes(type) ? 'sink-refused' : codeOf(status), message, afterMs);
  const errorClass = status === 413 ? 'too-large' : 'rejected';
  return { kind: 'refused', refusal: { errorClass, code: `sink-${status}`, message } };
}
