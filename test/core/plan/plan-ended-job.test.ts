// The end of a job whose worker the runtime does not know: it is fenced, and given the time to hear of it.
import { describe, expect, test } from '@jest/globals';
import { limits } from '#core/limits.ts';
import { planEndedJob } from '#core/plan/plan-ended-job.ts';
import { aHeartbeat, aJobEntry, anObservedJob, theTime } from '#test/support/builders.ts';

const times = { leaseMs: 5_000, keptMs: 0, listingGraceMs: 5_000 };
const entry = aJobEntry();
const job = entry.goal.id;

describe('a job that has ended', () => {
  const unlisted = aHeartbeat(entry, 1, { startedAt: theTime - 60_000 });
  const fenced = planEndedJob(job, anObservedJob({ heartbeats: [unlisted] }), times);

  test('has a worker that reports, and that the runtime does not list, declared dead', () => {
    expect(fenced.actions).toMatchObject([{ kind: 'fence-worker', worker: unlisted.worker }]);
    expect(fenced.control).toMatchObject({ announced: { fencing: String(theTime) } });
  });

  test('is cleared only when such a worker, which is not seen any more, must have heard of it', () => {
    const goneAt = theTime + limits.decisionMsMax + times.leaseMs;
    const at = (now: number) => planEndedJob(job, anObservedJob({ control: fenced.control, at: now }), times);
    expect(at(goneAt - 1)).toMatchObject({ actions: [], control: null, nextPassAt: goneAt });
    expect(at(goneAt)).toMatchObject({
      actions: [{ kind: 'clear-job' }],
      control: { announced: { clearing: 'begun' } },
    });
  });
});
