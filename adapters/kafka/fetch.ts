// A fetch whose records stay as the broker sent them: what a batch holds is unpacked when it is its turn (./batches.ts), and not here.
import { type Connection, createAPI, fetchV13, type Reader } from '@platformatic/kafka';

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

export interface FetchedPartition {
  readonly partition: number;
  readonly errorCode: number;
  /** How far a reader of committed records may read. */
  readonly lastStableOffset: bigint;
  readonly aborted: readonly AbortedTransaction[];
  /** Record batches; the last may be cut short. */
  readonly records: Buffer;
}

interface FetchAnswer {
  readonly errorCode: number;
  readonly partitions: readonly FetchedPartition[];
}

const throttleBytes = 4;
const sessionBytes = 4;
const replicaBytes = 4;

function readAnswer(_correlation: number, _key: number, _version: number, reader: Reader): FetchAnswer {
  reader.skip(throttleBytes);
  const errorCode = reader.readInt16();
  reader.skip(sessionBytes);
  const topics = reader.readArray(() => {
    reader.readUUID();
    return reader.readArray(() => readPartition(reader));
  });
  return { errorCode, partitions: topics.flat() };
}

function readPartition(reader: Reader): FetchedPartition {
  const partition = reader.readInt32();
  const errorCode = reader.readInt16();
  reader.readInt64();
  const lastStableOffset = reader.readInt64();
  reader.readInt64();
  const aborted = reader.readNullableArray(() => ({
    producerId: reader.readInt64(),
    firstOffset: reader.readInt64(),
  }));
  reader.skip(replicaBytes);
  const records = reader.readNullableBytes() ?? Buffer.alloc(0);
  return { partition, errorCode, lastStableOffset, aborted: aborted ?? [], records };
}

const api = createAPI<fetchV13.FetchRequest, FetchAnswer>(
  fetchV13.api.key,
  fetchV13.api.version,
  fetchV13.createRequest,
  readAnswer,
);

export const fetchFrom = async (connection: Connection, ...request: fetchV13.FetchRequest): Promise<FetchAnswer> =>
  await api.async(connection, ...request);
