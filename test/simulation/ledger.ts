// What became of every record, kept outside of everything that is under test: the oracle of "committed only behind what is durable".

/** Of one split of one job, in one life of its topic. */
interface Account {
  readonly settled: Set<number>;
  /** All from here to `verifiedTo` is known to be settled. */
  from: number;
  verifiedTo: number;
}

export class Ledger {
  readonly #accounts = new Map<string, Account>();

  /** The record needs nothing more: its output or dead letter is durable, or it was filtered. */
  settle(job: string, split: string, topicId: string, offset: number): void {
    this.#account(job, split, topicId).settled.add(offset);
  }

  /** The job's life with this split begins at `position`. False: it began before, and records between would be passed over. */
  begin(job: string, split: string, topicId: string, position: number): boolean {
    const known = this.#accounts.get(keyOf(job, split, topicId));
    if (known === undefined || known.verifiedTo === 0) {
      const account = this.#account(job, split, topicId);
      account.from = account.verifiedTo = position;
      return true;
    }
    return position <= known.verifiedTo;
  }

  /** The first record before `position` that is neither settled nor deleted by retention; null: there is none. */
  firstUnsettled(job: string, split: string, topicId: string, position: number, earliest: number): number | null {
    const account = this.#account(job, split, topicId);
    for (; account.verifiedTo < position; account.verifiedTo++) {
      const at = account.verifiedTo;
      if (at >= earliest && !account.settled.has(at)) return at;
    }
    return null;
  }

  from(job: string, split: string, topicId: string): number {
    return this.#account(job, split, topicId).from;
  }

  #account(job: string, split: string, topicId: string): Account {
    const key = keyOf(job, split, topicId);
    const known = this.#accounts.get(key);
    if (known !== undefined) return known;
    const account = { settled: new Set<number>(), from: 0, verifiedTo: 0 };
    this.#accounts.set(key, account);
    return account;
  }
}

const keyOf = (job: string, split: string, topicId: string): string => `${job}\n${split}\n${topicId}`;
