// Whether a job's positions move while events wait: what its health is judged by first (D10).
import type { JobEntry } from '#core/graph/platform-goal.ts';
import type { Heartbeat } from '#core/job/heartbeat.ts';
import type { SplitRecord } from '#core/ports/split-store.ts';
import { condition } from '#core/status/condition.ts';
import type { Condition } from '#core/status/job-status.ts';
import type { Situation } from '#core/status/situation.ts';
import { sum } from '#core/sum.ts';
import { seconds } from '#core/time/seconds.ts';

/**
 * Without those of partitions that a topic made anew has not any more: nobody who is there holds them (they are free, or still
 * in the name of one who died), and what is held is of another topic id.
 */
export function itemsToRead(
  all: readonly SplitRecord[],
  { goal }: JobEntry,
  live: readonly Heartbeat[],
): readonly SplitRecord[] {
  const items = all.filter(({ split }) => split.startsWith(`${goal.source.topic}/`));
  const there = new Set(live.map(({ worker }) => worker));
  const isHeld = ({ owner }: SplitRecord): boolean => owner !== null && there.has(owner);
  const topicIds = new Set(items.filter(isHeld).map(({ topicId }) => topicId));
  return items.filter((item) => isHeld(item) || topicIds.size === 0 || topicIds.has(item.topicId));
}

export function progressing({ entry, live, now, splits: all }: Situation): Condition {
  const type = 'Progressing';
  // Items of a source that the route had before count for its books only.
  const items = all === null ? null : itemsToRead(all, entry, live);
  const splits = live.flatMap((heartbeat) => heartbeat.splits);
  const stuck = live.find((heartbeat) => heartbeat.state === 'stuck');
  if (entry.paused) return condition(type, 'unknown', 'Paused', 'the job is paused');
  if (stuck) return condition(type, 'false', 'Stuck', stuck.errors[0]?.message ?? 'a worker cannot go on');
  if (live.length === 0) return condition(type, 'unknown', 'NoWorker', 'no worker reports');
  if (splits.length === 0) return condition(type, 'unknown', 'NoSplit', 'no worker holds a split yet');
  if (items !== null && splits.length < items.length)
    return condition(type, 'unknown', 'SplitsFree', `${splits.length}/${items.length} splits are held by a worker`);
  const stalled = splits.filter((split) => split.lagRecords > 0 && now - split.movedAt > entry.goal.stalledAfterMs);
  if (stalled.length > 0) {
    const first = stalled[0]!;
    return condition(
      type,
      'false',
      'Stalled',
      `${stalled.length}/${splits.length} splits have not moved for ${seconds(now - first.movedAt)} although events wait (${first.split} at ${first.position} of ${first.endPosition})`,
    );
  }
  const unread = splits.filter((split) => now - split.seenAt > entry.goal.stalledAfterMs);
  if (unread.length > 0) {
    const first = unread[0]!;
    const message = `${unread.length}/${splits.length} splits have not been read for ${seconds(now - first.seenAt)} (${first.split} at ${first.position})`;
    return condition(type, 'false', 'Stalled', message);
  }
  const lag = sum(splits.map((split) => split.lagRecords));
  const gathered = gatheredNote(live, now);
  if (lag > 0 && gathered !== null) return condition(type, 'true', 'Gathering', `${lag} records wait; ${gathered}`);
  if (lag === 0)
    return condition(type, 'true', 'CaughtUp', `${splits.length}/${splits.length} splits are at their ends`);
  const windowMs = 15_000;
  const moved = splits.filter((split) => split.lagRecords === 0 || now - split.movedAt <= windowMs).length;
  return condition(
    type,
    'true',
    'Moving',
    `${moved}/${splits.length} splits moved in ${seconds(windowMs)}, ${lag} records wait${throttled(entry.goal.throttle)}`,
  );
}

/** Of sinks that write files: what is read and not yet to be seen there. */
function gatheredNote(live: readonly Heartbeat[], now: number): string | null {
  const gathering = live.flatMap((heartbeat) => heartbeat.gathering ?? []);
  if (gathering.length === 0) return null;
  const records = sum(gathering.map((one) => one.records));
  const dueAt = Math.min(...gathering.map((one) => one.dueAt));
  return `${records} of them are read and gathered for files, the next of which is written within ${seconds(dueAt - now)}`;
}

const throttled = (perSecond: number | null): string => (perSecond === null ? '' : `; held to ${perSecond} records/s`);
