// Figures of jobs as lines in CloudWatch's embedded metric format, spread over shards.
import { expect, test } from '@jest/globals';
import { emfMeasures } from '#adapters/cloudwatch/job-measures.ts';
import { shardOf } from '#core/names.ts';

test('a line a job, with the metrics that are known and the dimensions that alarms ask for', () => {
  const lines: string[] = [];
  const put = emfMeasures((line) => lines.push(line), 4);
  put(
    [
      { tenant: 'default', job: 'plays.out', unhealthy: 1, lagMs: 1_500, deadLetterShare: 0.25 },
      { tenant: 'default', job: 'other.out', unhealthy: 0, lagMs: null, deadLetterShare: null },
    ],
    1_700_000_000_000,
  );
  const [first, second] = lines.map((line) => JSON.parse(line));
  expect(first).toMatchObject({ Job: 'default/plays.out', Unhealthy: 1, Lag: 1_500, DeadLetters: 25 });
  expect(first.Shard).toBe(String(shardOf('default/plays.out', 4)));
  expect(first._aws).toEqual({
    Timestamp: 1_700_000_000_000,
    CloudWatchMetrics: [
      {
        ...{ Namespace: 'Millrace', Dimensions: [['Shard', 'Job']] },
        Metrics: [
          { Name: 'Unhealthy', Unit: 'Count' },
          { Name: 'Lag', Unit: 'Milliseconds' },
          { Name: 'DeadLetters', Unit: 'Percent' },
        ],
      },
    ],
  });
  expect(second._aws.CloudWatchMetrics[0].Metrics).toEqual([{ Name: 'Unhealthy', Unit: 'Count' }]);
});

test('ten thousand jobs in 32 shards are at most 500 in each, which is what one query looks at', () => {
  const counts = new Map<number, number>();
  for (let n = 0; n < 10_000; n++) {
    const shard = shardOf(`default/route-${n}.out`, 32);
    counts.set(shard, (counts.get(shard) ?? 0) + 1);
  }
  expect(Math.max(...counts.values())).toBeLessThanOrEqual(500);
  expect(counts.size).toBe(32);
});
