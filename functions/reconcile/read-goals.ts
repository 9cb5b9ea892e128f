// Reading the goal: one that lacks what was carried out (a restored backup) is frozen before anything is done by it.
import { messageOf } from '#core/errors.ts';
import { objectKeys, readJobId } from '#core/names.ts';
import { type HistoryMark, historyAuthor, judgeHistory } from '#core/plan/goal-history.ts';
import type { GoalSnapshot } from '#core/ports/goal-store.ts';
import type { ReconcileParts } from '#functions/reconcile/parts.ts';

export interface GoalReading {
  readonly snapshot: GoalSnapshot;
  readonly failures: readonly string[];
  /** The store went back in time, and the fleet stands frozen for it. */
  readonly wentBack: boolean;
}

type Parts = Pick<ReconcileParts, 'goals' | 'controls' | 'objects' | 'logger'>;

/**
 * What was seen is kept in the bucket: it outlives both the goal store and the reconciler's table. It is read before the
 * goal, so that what another pass sees meanwhile is never missing from ours.
 */
export async function readGoals(parts: Parts): Promise<GoalReading> {
  let seen: HistoryMark | null;
  try {
    seen = readMark(await parts.objects.get(objectKeys.goalHistory));
  } catch (error) {
    // A job whose own revision went back is noticed all the same.
    return reading(await parts.goals.snapshot(), [unreadable(error)]);
  }
  const snapshot = await parts.goals.snapshot();
  const { sequence } = snapshot;
  const hashThere = seen === null ? null : await parts.goals.hashAt(seen.sequence);
  const verdict = judgeHistory(seen, sequence, hashThere);
  switch (verdict.kind) {
    case 'empty':
      return reading(snapshot);
    case 'continues':
      return reading(snapshot, seen?.sequence === sequence ? [] : await remember(sequence, parts));
    case 'went-back': {
      await freezeAll(snapshot, verdict.message, parts);
      const frozen = await parts.goals.snapshot();
      // Last: a pass that dies before this freezes them again.
      return reading(frozen, await remember(frozen.sequence, parts));
    }
  }
}

const reading = (snapshot: GoalSnapshot, failures: readonly string[] = []): GoalReading => ({
  snapshot,
  failures,
  wentBack: snapshot.freezes.some(({ scope, author }) => scope === 'fleet' && author === historyAuthor),
});

async function freezeAll(snapshot: GoalSnapshot, message: string, parts: Parts): Promise<void> {
  parts.logger.error('the goal store went back in time', { message });
  const controls = await parts.controls.list();
  const tenants = new Set([
    ...snapshot.revisions.map(({ tenant }) => tenant),
    ...controls.flatMap(({ job }) => readJobId(job)?.tenant ?? []),
  ]);
  for (const tenant of tenants)
    await parts.goals.freeze({ tenant, scope: 'fleet', name: '', author: historyAuthor, reason: message });
}

/** What went wrong; then the next pass tries it again, and this one goes on. */
async function remember(sequence: number, { goals, objects }: Parts): Promise<readonly string[]> {
  try {
    const hash = await goals.hashAt(sequence);
    // None: it was emptied since the goal was read, and the next pass judges it.
    if (hash === null) return [];
    const mark: HistoryMark = { sequence, hash };
    await objects.put(objectKeys.goalHistory, new TextEncoder().encode(JSON.stringify(mark)));
    return [];
  } catch (error) {
    return [unreadable(error)];
  }
}

const unreadable = (error: unknown): string => `history of the goal store: ${messageOf(error)}`;

const decoder = new TextDecoder();

/** One that cannot be read counts as none: it is written anew. */
function readMark(bytes: Uint8Array | null): HistoryMark | null {
  if (bytes === null) return null;
  try {
    const { sequence, hash } = JSON.parse(decoder.decode(bytes)) as Partial<HistoryMark>;
    return typeof sequence === 'number' && typeof hash === 'string' ? { sequence, hash } : null;
  } catch {
    return null;
  }
}
