// The limit: the same bytes fetched and produced over the worker's own connections, with no work in between.
import { encodeFetch, encodeProduce, fetchApi, parseFetch, parseProduce, produceApi } from '#workers/kafka/apis.ts';
import { Cluster, parseBrokers } from '#workers/kafka/cluster.ts';
import { ReceiveBuffers } from '#workers/kafka/receive-buffers.ts';
import { offsetAfter } from '#workers/kafka/record-reader.ts';
import { type ReadyBatch, readReadyOutput } from './ready-output.ts';
import '#workers/tune-runtime.ts';

const fetchBytes = 8 * 1024 * 1024;
const partitionBytes = 1024 * 1024;
const inFlightMax = 5;
const timeoutMs = 10_000;

const [broker = '', source = '', sink = '', outputPath = ''] = process.argv.slice(2);
const cluster = new Cluster(parseBrokers(broker), [source, sink], 'bench-limit');
await cluster.refresh();
const info = cluster.topic(source)!;
const leader = info.leaders[0]!;
const fetchLink = cluster.link(leader, 'fetch')!;
const produceLink = cluster.link(leader, 'produce')!;
const buffers = new ReceiveBuffers(2 * fetchBytes);
const offsets = info.leaders.map(() => 0);
const ready = info.leaders.map((): ReadyBatch[] => []);
for (const batch of readReadyOutput(outputPath)) ready[batch.partition]!.push(batch);
const underWay = new Set<Promise<void>>();

function fetch() {
  const partitions = offsets.map((offset, partition) => ({ partition, offset, bytesMax: partitionBytes }));
  const request = encodeFetch({ topicId: info.topicId, waitMs: 500, bytesMax: fetchBytes, partitions });
  return fetchLink.request(fetchApi, [request], parseFetch, buffers.gather);
}

async function produce(batches: readonly ReadyBatch[]): Promise<void> {
  const named = batches.map(({ partition, bytes }) => ({ topic: sink, partition, bytes }));
  const { partitions } = await produceLink.request(produceApi, encodeProduce(named, timeoutMs), parseProduce);
  const refused = partitions.find(({ errorCode }) => errorCode !== 0);
  if (refused) throw new Error(`batch refused: ${refused.errorCode} ${refused.errorMessage}`);
}

/** One batch of each partition that has come so far in the source; null when there is none. */
function due(): ReadyBatch[] | null {
  const batches = ready.flatMap((waiting, partition) =>
    waiting.length > 0 && waiting[0]!.readTo <= offsets[partition]! ? [waiting.shift()!] : [],
  );
  return batches.length === 0 ? null : batches;
}

for (let asked = fetch(); ready.some((waiting) => waiting.length > 0); ) {
  const answer = await asked;
  for (const { partition, errorCode, records } of answer.partitions) {
    if (errorCode !== 0) throw new Error(`partition ${partition} cannot be read: ${errorCode}`);
    offsets[partition] = offsetAfter(records, offsets[partition]!);
  }
  asked = fetch();
  for (let batches = due(); batches !== null; batches = due()) {
    if (underWay.size >= inFlightMax) await Promise.race(underWay);
    const sending: Promise<void> = produce(batches).finally(() => underWay.delete(sending));
    underWay.add(sending);
  }
}
await Promise.all(underWay);
// It is looked at and ended from outside, as all contenders are.
setInterval(() => {}, 1_000);
