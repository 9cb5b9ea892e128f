// Records of a stream, line by line as the API sends them: NDJSON, or server-sent events while it is followed.
import type { ApiClient } from '#cli/api-client.ts';
import { isBlank, readLines } from '#cli/input/lines.ts';
import { limits } from '#core/limits.ts';

export interface RecordsRequest {
  readonly stream: string;
  readonly from: string;
  readonly where?: string | undefined;
  readonly limit?: number | undefined;
  readonly withMetadata: boolean;
  /** Goes on with what arrives later, until `signal` ends it. */
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

/** A follow lasts until its reader ends it. */
const followMs = 2 ** 31 - 1;
const readMs = 300_000;
/** Base64 of the largest record, and its metadata around it. */
const lineBytesMax = 2 * limits.recordBytesMax;

/** One line a record, without its line end: the value's bytes as they are, or, with metadata, a `RecordLine`. */
export async function* readRecords(api: ApiClient, request: RecordsRequest): AsyncGenerator<Uint8Array> {
  const response = await api.stream(`/v1/streams/${encodeURIComponent(request.stream)}/records`, {
    query: {
      from: request.from,
      where: request.where,
      limit: request.limit,
      metadata: request.withMetadata || undefined,
      follow: request.follow || undefined,
    },
    headers: { accept: request.follow ? 'text/event-stream' : 'application/x-ndjson' },
    signal: request.signal,
    deadlineMs: request.follow ? followMs : readMs,
  });
  const events = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false;
  if (response.body === null) return;
  for await (const lines of readLines(response.body, lineBytesMax))
    for (const { bytes } of lines) {
      if (bytes === null || isBlank(bytes)) continue;
      if (!events) yield bytes;
      else if (startsWith(bytes, dataField)) yield trimStart(bytes.subarray(dataField.length));
    }
}

const dataField = Buffer.from('data:');
const startsWith = (bytes: Uint8Array, prefix: Uint8Array): boolean =>
  Buffer.compare(bytes.subarray(0, prefix.length), prefix) === 0;
const trimStart = (bytes: Uint8Array): Uint8Array => (bytes[0] === 0x20 ? bytes.subarray(1) : bytes);
