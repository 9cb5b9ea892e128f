// A partition whose leader changes while records of it are fetched, accepted or held up: each is worked on once, in order.
import { afterEach, describe, expect, test } from '@jest/globals';
import { noRecords } from '#core/job/accounting.ts';
import { until } from '#test/support/until.ts';
import type { FetchResponse } from '#workers/kafka/apis.ts';
import type { Cluster } from '#workers/kafka/cluster.ts';
import { Source } from '#workers/kafka/source.ts';
import { allWorked } from '#workers/pipeline.ts';
import { Split } from '#workers/split.ts';
import { clock, partitionOf, records, topicId } from './fetched.ts';

/** Three records of a partition that ends at 6. */
const three = (partition: number, first: number) => partitionOf(partition, records(3, first), 6);

const answerOf = (...partitions: FetchResponse['partitions']): FetchResponse => ({
  ...{ throttleMs: 0, errorCode: 0, partitions },
});

/** Two brokers, each with answers that it gives in turn, then none. */
function twoBrokers(answers: Readonly<Record<number, readonly FetchResponse[]>>) {
  const asked = new Map<number, number>();
  const looks = new Map<number, number>();
  const leaders = [-1, -1];
  const request = async (broker: number): Promise<FetchResponse> => {
    const count = asked.get(broker) ?? 0;
    asked.set(broker, count + 1);
    return answers[broker]?.[count] ?? (await new Promise<never>(() => {}));
  };
  const link = (broker: number) => {
    looks.set(broker, (looks.get(broker) ?? 0) + 1);
    return { request: () => request(broker) };
  };
  const topic = () => ({ topic: 't', topicId, leaders });
  return { asked, looks, leaders, cluster: { topic, link, refresh: async () => {} } as unknown as Cluster };
}

describe('a partition whose leader changes', () => {
  let source: Source | null = null;
  afterEach(async () => await source?.close());

  const splitOf = (partition: number): Split =>
    new Split({ split: `t/${partition}`, owner: 'w', epoch: 1, position: '0', topicId, accounting: noRecords }, clock);

  /** Both partitions are led by broker 1 from then on. */
  function read({ cluster, leaders }: ReturnType<typeof twoBrokers>, isHeldUpAfter: string | null) {
    const worked: string[] = [];
    let held: PromiseWithResolvers<void> | null = isHeldUpAfter === null ? Promise.withResolvers() : null;
    source = new Source(
      cluster,
      { topic: 't', fetchWaitMs: 50, fetchBytesMax: 1_000_000 },
      {
        room: () => held?.promise ?? null,
        work: (split, _partition, at) => {
          worked.push(`${split.name} at ${at}`);
          if (worked.at(-1) === isHeldUpAfter) held = Promise.withResolvers();
          return allWorked;
        },
        worked: () => {},
        unreadable: async () => {},
        onTrouble: () => {},
        mayRead: () => true,
      },
    );
    const [first, other] = [splitOf(0), splitOf(1)];
    source.add(other);
    source.add(first);
    leaders.fill(1);
    const release = (): void => {
      const before = held;
      held = null;
      before?.resolve();
    };
    return { worked, first, release, isHeldUp: () => held !== null };
  }

  test('is not read on by the new leader’s loop before the other has worked on what it has of it', async () => {
    const brokers = twoBrokers({ 1: [answerOf(three(1, 0), three(0, 0))], 2: [answerOf(three(0, 3))] });
    const { worked, first, release } = read(brokers, null);
    await until(() => (first.fetchOffset === 3 ? true : null), 'records that are accepted');
    brokers.leaders[0] = 2;
    await until(() => ((brokers.looks.get(2) ?? 0) > 3 ? true : null), 'the other loop');
    expect(brokers.asked.get(2) ?? 0).toBe(0);
    release();
    await until(() => (worked.length === 3 ? true : null), 'all records');
    expect(worked).toEqual(['t/1 at 0', 't/0 at 0', 't/0 at 3']);
  });

  test('is worked on once where both loops have the same records of it', async () => {
    const brokers = twoBrokers({
      1: [answerOf(three(0, 0), three(1, 0)), answerOf(three(0, 3))],
      2: [answerOf(three(0, 3))],
    });
    const { worked, first, release, isHeldUp } = read(brokers, 't/0 at 0');
    await until(() => (isHeldUp() && brokers.asked.get(1) === 2 ? true : null), 'an answer that waits');
    brokers.leaders[0] = 2;
    await until(() => (first.fetchOffset === 6 ? true : null), 'the same records from the other broker');
    release();
    await until(() => (worked.length >= 3 && brokers.asked.get(1) === 3 ? true : null), 'the next request');
    expect([...worked].sort()).toEqual(['t/0 at 0', 't/0 at 3', 't/1 at 0']);
  });
});
