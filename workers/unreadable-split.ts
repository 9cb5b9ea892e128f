// What a worker does when a split cannot be read on from where it stands: the topic or its records are not what they were.
import type { ReplayGoal } from '#core/job/job-goal.ts';
import type { ErrorsSeen } from './errors-seen.ts';
import type { Cluster } from './kafka/cluster.ts';
import { errorCodes, errorName, isAuthorization } from './kafka/error-codes.ts';
import type { Split } from './split.ts';

const earliest = -2;
const end = -1;

/**
 * Called with fresh metadata; afterwards the split is tried again, unless it was found stuck. `replay`: of its dead letters those
 * are meant that stand before the partition's end.
 */
export async function resolveUnreadable(
  split: Split,
  errorCode: number,
  cluster: Cluster,
  errors: ErrorsSeen,
  replay?: ReplayGoal,
): Promise<void> {
  const info = cluster.topic(split.topic);
  if (info === undefined) {
    errors.note('source-missing', `topic ${split.topic} does not exist; waiting until it does`);
    return;
  }
  if (split.partition >= info.leaders.length) {
    // Made anew with fewer: its item stays with the old topic, and the leader takes it from this worker.
    errors.note('partition-missing', `topic ${split.topic} has no partition ${split.partition} any more`);
    return;
  }
  if (info.topicId !== split.topicId) return await followNewTopic(split, info.topicId, cluster, errors);
  if (errorCode === errorCodes.offsetOutOfRange) return await resolveOutOfRange(split, cluster, errors, replay);
  const code = isAuthorization(errorCode) ? 'source-unauthorized' : 'source-refused';
  if (!passing.has(errorCode)) errors.note(code, `${split.name}: ${errorName(errorCode)}`);
}

/** A leader that moved, or metadata that is being spread: ordinary, and over soon. */
const passing: ReadonlySet<number> = new Set([
  errorCodes.notLeader,
  errorCodes.leaderNotAvailable,
  errorCodes.unknownTopicOrPartition,
  errorCodes.unknownTopicId,
  errorCodes.inconsistentTopicId,
]);

/**
 * The topic was deleted and made anew: positions of the old one mean nothing in it. The account goes on. Only what most brokers know
 * is followed: one that is behind would lead back to the deleted topic, and from there to the beginning of the one that is read.
 */
async function followNewTopic(split: Split, topicId: string, cluster: Cluster, errors: ErrorsSeen): Promise<void> {
  if ((await cluster.topicIdOfMost(split.topic)) !== topicId) return;
  const position = (await cluster.offset(split.topic, split.partition, earliest)) ?? 0;
  errors.note(
    'source-recreated',
    `topic ${split.topic} was deleted and made anew (id ${split.topicId}, now ${topicId}); partition ${split.partition} stood at ` +
      `${split.fetchOffset} of the old one and is read from ${position} of the new one`,
  );
  split.jump(position, topicId).close(position);
}

async function resolveOutOfRange(
  split: Split,
  cluster: Cluster,
  errors: ErrorsSeen,
  replay: ReplayGoal | undefined,
): Promise<void> {
  const position = split.fetchOffset;
  const [first, last] = [
    (await cluster.offset(split.topic, split.partition, earliest)) ?? 0,
    (await cluster.offset(split.topic, split.partition, end)) ?? 0,
  ];
  const standsAt = Math.max(position, split.knownUntil);
  if (standsAt > last) tellTruncated(split, standsAt, last, errors);
  else if (position < split.knownUntil) {
    // Only to be remembered, and gone: what is left of it, or nothing.
    split.generation++;
    split.fetchOffset = Math.min(Math.max(first, position), split.knownUntil);
  } else if (position < first) passOverLost(split, first, errors, replay);
}

function tellTruncated(split: Split, position: number, last: number, errors: ErrorsSeen): void {
  split.state = 'stuck';
  errors.note(
    'source-truncated',
    `${split.name}: the position is ${position}, but the partition ends at ${last}: records that were acknowledged are gone from the broker. ` +
      'Nothing is read until somebody decides where to go on',
  );
}

function passOverLost(split: Split, first: number, errors: ErrorsSeen, replay: ReplayGoal | undefined): void {
  const position = split.fetchOffset;
  errors.note(
    'source-data-lost',
    `${split.name}: records ${position} to ${first - 1} were deleted by retention before they were read; they are counted as dropped`,
  );
  const unit = split.jump(first, split.topicId);
  const meantUntil = replay === undefined ? first : Math.min(first, replay.ends[split.partition] ?? 0);
  const lost = Math.max(0, meantUntil - position);
  unit.in += lost;
  if (lost > 0) unit.drop('retention', lost);
  unit.close(first);
}
