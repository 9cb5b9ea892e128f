// Records of a stream, line by line as the API sends them: NDJSON, or server-sent events while it is followed.
import { type ApiClient, brokenOff } from '#cli/api-client.ts';
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
  /** Hears of a line that is longer than any record should become, and is left out. */
  readonly onTooLong: (sizeBytes: number) => void;
}

const beginsWithinMs = 300_000;
/** The largest value as JSON, and a record's key and headers around it. */
const lineBytesMax = limits.decodedBytesMax + 2 * limits.recordBytesMax;

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
    deadlineMs: beginsWithinMs,
  });
  const events = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false;
  if (response.body === null) return;
  for await (const lines of readLines(untilBroken(response.body, api.url), lineBytesMax))
    for (const { bytes, sizeBytes } of lines) {
      if (bytes === null) request.onTooLong(sizeBytes);
      if (bytes === null || isBlank(bytes)) continue;
      if (!events) yield bytes;
      else if (startsWith(bytes, dataField)) yield trimStart(bytes.subarray(dataField.length));
    }
}

async function* untilBroken(body: AsyncIterable<Uint8Array>, url: string): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw brokenOff(url, error);
  }
}

const dataField = Buffer.from('data:');
const startsWith = (bytes: Uint8Array, prefix: Uint8Array): boolean =>
  Buffer.compare(bytes.subarray(0, prefix.length), prefix) === 0;
const trimStart = (bytes: Uint8Array): Uint8Array => (bytes[0] === 0x20 ? bytes.subarray(1) : bytes);
