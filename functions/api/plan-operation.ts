// What an operation would do, found out before anything is done: it becomes the operation's plan.
import type { CheckpointManifest } from '#core/checkpoint/manifest.ts';
import { newestFirst, readManifest, sequenceOf } from '#core/checkpoint/read-manifest.ts';
import type { JobEntry } from '#core/graph/platform-goal.ts';
import type { ErrorClass } from '#core/job/error-class.ts';
import { objectKeys } from '#core/names.ts';
import { planReplay, type ReplayPlan } from '#core/operations/replay.ts';
import {
  planRewind,
  type RewindPlan,
  type RewindRefusal,
  type RewindTarget,
  readRewindTarget,
} from '#core/operations/rewind.ts';
import { summarizeDeadLetters } from '#functions/api/dead-letters.ts';
import { deadLetterFilterOf } from '#functions/api/parameters.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { ApiRefusal } from '#functions/api/refusal.ts';
import { topicMissing } from '#functions/api/tail-topic.ts';

export async function rewindPlan(parts: ApiParts, { goal, requested }: JobEntry, asked: string): Promise<RewindPlan> {
  if (requested.some(({ kind }) => kind === 'switch'))
    throw new ApiRefusal(409, 'operation-under-way', `a switch of ${goal.name} is under way`, {
      fix: `wait for it: millrace why ${goal.name}`,
    });
  const read = readRewindTarget(asked, parts.clock.now());
  if (!read.ok) throw refused(read.problem);
  const target = read.value;
  const { topic } = goal.source;
  const [splits, [observed], positions, offsetsAt, checkpoints] = await Promise.all([
    parts.splits.list(goal.id),
    parts.broker.describe([topic], []),
    parts.broker.positions(topic),
    target.kind === 'time' ? parts.broker.offsetsAt(topic, target.at) : null,
    target.kind === 'checkpoint' ? checkpointKeys(parts, goal) : [],
  ]);
  if (!observed || positions === null) throw topicMissing(topic);
  const planned = planRewind({
    ...{ asked, target, goal, splits, topicId: observed.topicId, positions },
    offsetsAt: offsetsAt ?? new Map(),
    checkpoint: await readCheckpoint(parts, goal, target, checkpoints),
    checkpoints: checkpoints.map((key) => sequenceOf(key)!),
  });
  if (!planned.ok) throw refused(planned.problem);
  return planned.value;
}

const checkpointKeys = async (parts: ApiParts, goal: JobEntry['goal']): Promise<readonly string[]> =>
  newestFirst(await parts.objects.list(objectKeys.checkpointPrefix(goal.id, goal.uid)));

async function readCheckpoint(
  parts: ApiParts,
  goal: JobEntry['goal'],
  target: RewindTarget,
  keys: readonly string[],
): Promise<CheckpointManifest | null> {
  if (target.kind !== 'checkpoint') return null;
  const key = keys.find((one) => sequenceOf(one) === target.sequence);
  const bytes = key === undefined ? null : await parts.objects.get(key);
  if (bytes === null) return null;
  const manifest = readManifest(bytes, goal.id, goal.uid);
  if (manifest.ok) return manifest.value;
  throw new ApiRefusal(
    422,
    'checkpoint-unreadable',
    `checkpoint ${target.sequence} cannot be read: ${manifest.problem}`,
    {
      fix: 'give another checkpoint, or a time',
    },
  );
}

/** What the request itself got wrong is 422; what the world does not have any more, 409. */
const refused = ({ code, message, fix }: RewindRefusal): ApiRefusal =>
  new ApiRefusal(code === 'target-invalid' ? 422 : 409, code, message, { fix });

export function rewindEffects(plan: RewindPlan, paused: boolean): readonly string[] {
  return [
    paused ? 'the job is paused: no worker runs' : 'all workers drain, commit and end',
    ...plan.splits.map(({ split, from, to, records }) => `${split}: ${from} → ${to}, up to ${records} record(s) again`),
    paused ? 'it goes on from there when it is resumed' : 'workers start again from there',
    `at most ${plan.records} record(s) are read again: ${plan.duplicates.why}`,
  ];
}

const recordsPerSecondDefault = 500;

export async function replayPlan(
  parts: ApiParts,
  { goal, paused }: JobEntry,
  asked: {
    readonly class?: ErrorClass | undefined;
    readonly code?: string | undefined;
    readonly where?: string | undefined;
    readonly recordsPerSecond?: number | undefined;
  },
  signal: AbortSignal,
): Promise<ReplayPlan> {
  if (paused)
    throw new ApiRefusal(409, 'job-paused', `${goal.name} is paused, and a replay writes to its sink`, {
      fix: `resume it first: millrace resume ${goal.name}`,
    });
  const topic = goal.deadLetterTopic;
  // In this order: of a topic that is made anew in between, the replay fails instead of taking the new one's dead letters.
  const [there] = await parts.broker.describe([topic], []);
  const positions = await parts.broker.positions(topic);
  if (there === undefined || positions === null) throw topicMissing(topic);
  const filter = deadLetterFilterOf(asked);
  const { total, isComplete } = await summarizeDeadLetters(parts, goal, filter, signal);
  if (total === 0 && isComplete)
    throw new ApiRefusal(409, 'nothing-to-replay', `no dead letter of ${goal.name} fits`, {
      fix: `what there is: millrace dlq ls ${goal.name}`,
    });
  const recordsPerSecond = asked.recordsPerSecond ?? recordsPerSecondDefault;
  return planReplay({
    ...{ filter, topicId: there.topicId, positions },
    ...{ matching: total, isComplete, recordsPerSecond, sink: goal.sink },
  });
}

export const replayEffects = (plan: ReplayPlan): readonly string[] => [
  `${plan.isComplete ? '' : 'at least '}${plan.matching} dead letter(s) go through the newest revision of the route, at most ${plan.recordsPerSecond} a second`,
  'what fails again becomes a new dead letter; the old ones stay until their retention',
  'a worker of its own does it; the job goes on beside it',
];
