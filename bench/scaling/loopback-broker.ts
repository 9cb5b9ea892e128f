// A broker inside the process: answers fetches with the same batches at rising offsets and takes all that is produced.
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises';
import { batchFields } from '#core/record-batch/batch-format.ts';
import { fetchApi } from '#workers/kafka/apis.ts';
import type { Cluster, TopicInfo } from '#workers/kafka/cluster.ts';
import { type Cursor, readInt64, readUnsignedVarint, writeInt64, writeUnsignedVarint } from '#workers/kafka/varint.ts';

export const topicId = '00000000-0000-4000-8000-000000000001';
/** Answers come in pieces of this size, as from a socket. */
const pieceBytes = 64 * 1024;
/** A broker holds a fetch that finds nothing: asking again and again must not pass for work. */
const idleMs = 50;

/** What each partition of the source holds: these batches, over and over. */
export interface RecordSet {
  readonly bytes: Buffer;
  readonly records: number;
  /** Where each batch begins, and the records before it. */
  readonly batches: readonly { readonly at: number; readonly before: number }[];
}

interface Topics {
  readonly source: string;
  readonly partitions: number;
  /** Sets in each partition before it ends. */
  readonly sets: number;
}

export class LoopbackBroker {
  readonly clusterId = 'loopback';
  produced = 0;
  producedBytes = 0;
  readonly #set: RecordSet;
  readonly #topics: Topics;

  constructor(set: RecordSet, topics: Topics) {
    this.#set = set;
    this.#topics = topics;
  }

  /** It has no sockets, so it stands in the place of what holds them. */
  get cluster(): Cluster {
    return this as unknown as Cluster;
  }

  topic(name: string): TopicInfo {
    return { topic: name, topicId, leaders: Array.from({ length: this.#topics.partitions }, () => 1) };
  }

  link() {
    return { request: this.#request };
  }

  openLinks(): void {}

  async refresh(): Promise<void> {}

  async messageBytesMax(): Promise<number> {
    return 8 * 1024 * 1024;
  }

  async initProducerId(): Promise<{ producerId: bigint; producerEpoch: number }> {
    return { producerId: 1n, producerEpoch: 0 };
  }

  readonly #request = async <Answer>(
    api: { readonly key: number },
    pieces: readonly Buffer[],
    parse: (bytes: Buffer) => Answer,
    gather: (chunks: readonly Buffer[], length: number) => Buffer = Buffer.concat,
  ): Promise<Answer> => {
    await nextTurn();
    const body = Buffer.concat(pieces);
    if (api.key !== fetchApi.key) return parse(this.#produce(body));
    const { chunks, isEmpty } = this.#fetch(body);
    if (isEmpty) await wait(idleMs);
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    return parse(gather(chunks, length));
  };

  #fetch(request: Buffer): { readonly chunks: readonly Buffer[]; readonly isEmpty: boolean } {
    const bytesMax = request.readInt32BE(12);
    const cursor: Cursor = { at: 42 };
    const count = readUnsignedVarint(request, cursor) - 1;
    const head = Buffer.alloc(32);
    const at = writeUnsignedVarint(head, 2, 10);
    request.copy(head, at, 26, 42);
    const chunks: Buffer[] = [head.subarray(0, writeUnsignedVarint(head, count + 1, at + 16))];
    let left = bytesMax;
    for (let index = 0; index < count; index++) {
      const partition = request.readInt32BE(cursor.at);
      const offset = readInt64(request, cursor.at + 8);
      cursor.at += 33;
      const end = this.#set.records * this.#topics.sets;
      const isGiven = offset < end && left > 0;
      if (isGiven) left -= this.#set.bytes.length;
      chunks.push(...this.#partition(partition, offset, end, isGiven));
    }
    return { chunks: [...chunks, Buffer.alloc(2)], isEmpty: left === bytesMax };
  }

  #partition(partition: number, offset: number, end: number, isGiven: boolean): Buffer[] {
    const head = Buffer.alloc(48);
    head.writeInt32BE(partition, 0);
    writeInt64(head, end, 6);
    writeInt64(head, end, 14);
    let at = writeUnsignedVarint(head, 1, 30);
    at = head.writeInt32BE(-1, at);
    const { bytes, batches } = this.#set;
    at = writeUnsignedVarint(head, (isGiven ? bytes.length : 0) + 1, at);
    const chunks: Buffer[] = [head.subarray(0, at)];
    if (isGiven) {
      // Not part of the checksum, so that a broker can set it.
      for (const { at: batchAt, before } of batches)
        writeInt64(bytes, offset + before, batchAt + batchFields.baseOffset);
      for (let from = 0; from < bytes.length; from += pieceBytes)
        // A copy: the same bytes may be asked for by another partition in the same answer.
        chunks.push(Buffer.from(bytes.subarray(from, from + pieceBytes)));
    }
    return [...chunks, Buffer.alloc(1)];
  }

  #produce(request: Buffer): Buffer {
    const cursor: Cursor = { at: 7 };
    const topics = readUnsignedVarint(request, cursor) - 1;
    const answer = Buffer.alloc(64 + request.length / 100 + 4_096 * topics);
    let at = writeUnsignedVarint(answer, topics + 1, 0);
    for (let topic = 0; topic < topics; topic++) {
      const nameAt = cursor.at;
      const nameBytes = readUnsignedVarint(request, cursor) - 1;
      cursor.at += nameBytes;
      at += request.copy(answer, at, nameAt, cursor.at);
      const partitions = readUnsignedVarint(request, cursor) - 1;
      at = writeUnsignedVarint(answer, partitions + 1, at);
      for (let index = 0; index < partitions; index++) {
        answer.writeInt32BE(request.readInt32BE(cursor.at), at);
        cursor.at += 4;
        const length = readUnsignedVarint(request, cursor) - 1;
        this.produced += request.readInt32BE(cursor.at + batchFields.recordCount);
        this.producedBytes += length;
        cursor.at += length + 1;
        at = writeUnsignedVarint(answer, 1, at + 30) + 2;
      }
      cursor.at++;
      at++;
    }
    return answer.subarray(0, at + 5);
  }
}
