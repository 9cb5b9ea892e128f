// Writes the splits' positions and accounts to the split store, behind the sink's acknowledgements.
import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '#core/errors.ts';
import { isBalanced } from '#core/job/accounting.ts';
import { telemetryGroup } from '#core/names.ts';
import type { CommitOutcome, SplitRef } from '#core/ports/split-store.ts';
import type { ErrorsSeen } from './errors-seen.ts';
import type { Holding } from './holding.ts';
import type { Lease } from './lease.ts';
import type { WorkerParts } from './parts.ts';

/** Offsets for other people's lag tools need not be fresh. */
const telemetryMs = 5_000;

/**
 * At-least-once (D4): a position is committed only when all before it is acknowledged, with the account of exactly those
 * records, in one conditional write. A write whose outcome is unknown is repeated, with the same or a later position: it
 * carries sums, not differences, so once or twice is the same.
 */
export class Commits {
  readonly #parts: WorkerParts;
  readonly #lease: Lease;
  readonly #errors: ErrorsSeen;
  readonly #onFenced: (split: SplitRef) => void;
  readonly #underWay = new Map<Holding, Promise<CommitOutcome | 'unknown'>>();
  #telemetryMs = 0;
  #telemetryFailed = false;

  constructor(parts: WorkerParts, lease: Lease, errors: ErrorsSeen, onFenced: (split: SplitRef) => void) {
    this.#parts = parts;
    this.#lease = lease;
    this.#errors = errors;
    this.#onFenced = onFenced;
  }

  async commitAll(holdings: Iterable<Holding>): Promise<void> {
    const moved = [...holdings].filter(needsCommit);
    await Promise.all(moved.map((holding) => this.commit(holding)));
  }

  /** Commits what is done now; waits for a write of the same split that is under way. */
  async commit(holding: Holding): Promise<CommitOutcome | 'unknown'> {
    await this.#underWay.get(holding);
    const already = this.#underWay.get(holding);
    if (already !== undefined) return await already;
    if (!needsCommit(holding)) return 'committed';
    const writing = this.#write(holding).finally(() => this.#underWay.delete(holding));
    this.#underWay.set(holding, writing);
    return await writing;
  }

  async #write(holding: Holding): Promise<CommitOutcome | 'unknown'> {
    if (!this.#lease.isHeld) return 'unknown';
    const { name, epoch } = holding;
    const { durable: done } = holding.report;
    const { identity, splits } = this.#parts;
    if (!isBalanced(done.accounting))
      this.#errors.note(
        'books-unbalanced',
        `${name} position ${done.position}: a record is not accounted for (${JSON.stringify(done.accounting)})`,
      );
    try {
      const outcome = await splits.commit(
        identity.job,
        { split: name, worker: identity.worker, epoch },
        { position: String(done.position), topicId: done.topicId, accounting: done.accounting },
      );
      if (outcome === 'fenced') this.#onFenced(holding);
      else holding.committed = done;
      return outcome;
    } catch (error) {
      this.#errors.note('commit-failed', `${name}: ${messageOf(error)}`);
      return 'unknown';
    }
  }

  /** Tells Kafka the positions too, now and then; nothing depends on it. */
  async tell(holdings: Iterable<Holding>): Promise<void> {
    const { clock, cluster, goal, log } = this.#parts;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#telemetryMs < telemetryMs) return;
    this.#telemetryMs = nowMs;
    const positions = [...holdings].map(({ partition, committed }) => ({ partition, position: committed.position }));
    if (positions.length === 0) return;
    try {
      await cluster.commitOffsets(telemetryGroup(goal.tenant, goal.name), goal.source.topic, positions);
      this.#telemetryFailed = false;
    } catch (error) {
      if (!this.#telemetryFailed)
        log.info('positions could not be told to Kafka for lag tools', { reason: messageOf(error) });
      this.#telemetryFailed = true;
    }
  }
}

/** A report is a copy when it comes from another thread: what it says counts, not which object it is. */
const needsCommit = ({ report, committed }: Holding): boolean => !isDeepStrictEqual(report.durable, committed);
