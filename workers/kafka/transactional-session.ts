// A producer's transactions under one transactional id: who takes the id next ends what the one before left open.
import { setTimeout as wait } from 'node:timers/promises';
import { initProducerIdV5, offsetFetchV9 } from '@platformatic/kafka';
import { messageOf, unavailable } from '#core/errors.ts';
import type { BackoffBounds } from '#core/time/backoff.ts';
import type { AnswerOf, Cluster } from './cluster.ts';
import { errorCodes, errorName, isAuthorization } from './error-codes.ts';
import type { Link } from './link.ts';
import type { ProducerIdentity } from './output-batch.ts';
import { Renewal } from './renewal.ts';
import type { Session, SessionHooks } from './session.ts';
import {
  encodeEndTxn,
  encodeTxnOffsetCommit,
  endTxnApi,
  parseEndTxn,
  parseTxnOffsetCommit,
  txnOffsetCommitApi,
} from './transaction-apis.ts';

/** What the last committed transaction says of the split. */
export interface CommittedOffset {
  readonly offset: number;
  readonly metadata: string;
}

export interface TransactionOptions {
  readonly transactionalId: string;
  /** Whose offset the transaction carries. */
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /** A transaction that is open for longer is aborted by its coordinator. */
  readonly timeoutMs: number;
  readonly retry: BackoffBounds;
  /**
   * Called when no older holder of the id can commit any more, with the offset as it is then and stays. `lost`: the split is
   * somebody else's by now, and nothing is written for it any more.
   */
  readonly resume: (committed: CommittedOffset | null) => Promise<'ours' | 'lost'>;
}

/** By which a producer may write without telling the coordinator of each partition, and each transaction has its own epoch. */
const feature = 'transaction.version';
const featureLevelMin = 2;

/** The transaction before is being ended at its partitions: over in milliseconds. */
const concurrentMs = 10;
const triesMax = 200;

const passing: ReadonlySet<number> = new Set([
  errorCodes.concurrentTransactions,
  errorCodes.coordinatorLoading,
  errorCodes.unstableOffset,
]);

export class TransactionalSession implements Session {
  readonly #cluster: Cluster;
  readonly #options: TransactionOptions;
  readonly #hooks: SessionHooks;
  readonly #renewal: Renewal;
  #coordinator: Link | null = null;
  #groupCoordinator: Link | null = null;

  constructor(cluster: Cluster, options: TransactionOptions, hooks: SessionHooks) {
    this.#cluster = cluster;
    this.#options = options;
    this.#hooks = hooks;
    this.#renewal = new Renewal({ retry: options.retry, hooks, take: () => this.#take(), codeOf });
  }

  get transactionalId(): string {
    return this.#options.transactionalId;
  }

  /** Null too while a transaction is being ended: what is written meanwhile belongs to the next. */
  current(): ProducerIdentity | null {
    return this.#renewal.identity;
  }

  async ensure(): Promise<void> {
    await this.#renewal.ensure();
  }

  /** Aborts what is open, shuts out whoever else holds the id, and finds where to go on; however long that takes. */
  renew(): Promise<void> {
    return this.#renewal.renew();
  }

  close(): void {
    this.#renewal.close();
  }

  /**
   * Commits what was acknowledged under the current epoch, and the offset with it; nothing may be in flight. False: it did
   * not work, or nobody knows whether it did; nothing is sent then until `renew` has found out.
   */
  async commit(offset: number, metadata: string): Promise<boolean> {
    const identity = this.#renewal.takeOut();
    if (identity === null) return false;
    try {
      await this.#commitOffset(identity, offset, metadata);
      return this.#renewal.putBack(await this.#end(identity));
    } catch (error) {
      this.#hooks.onTrouble('transaction-failed', messageOf(error));
      return false;
    }
  }

  /** Null: the split is somebody else's by now. */
  async #take(): Promise<ProducerIdentity | null> {
    const identity = await this.#init();
    const committed = await this.#fetchCommitted();
    return (await this.#options.resume(committed)) === 'lost' ? null : identity;
  }

  async #init(): Promise<ProducerIdentity> {
    const { transactionalId, group, timeoutMs } = this.#options;
    const level = await this.#cluster.featureLevel(feature);
    if (level < featureLevelMin)
      throw new Error(
        `exactly-once needs a Kafka ≥ 4.0 with ${feature} ${featureLevelMin}, this one runs ${feature} ${level}`,
      );
    this.#coordinator = await this.#cluster.coordinator('transaction', transactionalId);
    this.#groupCoordinator = await this.#cluster.coordinator('group', group);
    const coordinator = this.#coordinator;
    return await until('a producer id', async () => {
      const { errorCode, producerId, producerEpoch } = await coordinator.call<AnswerOf<typeof initProducerIdV5>>(
        (connection, done) => initProducerIdV5.api(connection, transactionalId, timeoutMs, -1n, -1, done),
      );
      return { errorCode, answer: { producerId, producerEpoch, isTransactional: true } };
    });
  }

  async #fetchCommitted(): Promise<CommittedOffset | null> {
    const { group, topic, partition } = this.#options;
    const wanted = [
      { groupId: group, memberId: null, memberEpoch: -1, topics: [{ name: topic, partitionIndexes: [partition] }] },
    ];
    const found = await until('the committed offset', async () => {
      const answer = await this.#groupCoordinator!.call<AnswerOf<typeof offsetFetchV9>>((connection, done) =>
        offsetFetchV9.api(connection, wanted, true, done),
      );
      const ofGroup = answer.groups[0];
      const ofPartition = ofGroup?.topics[0]?.partitions[0];
      return { errorCode: ofGroup?.errorCode || (ofPartition?.errorCode ?? errorCodes.none), answer: ofPartition };
    });
    if (found === undefined || found.committedOffset < 0n) return null;
    return { offset: Number(found.committedOffset), metadata: found.metadata ?? '' };
  }

  async #commitOffset(identity: ProducerIdentity, offset: number, metadata: string): Promise<void> {
    const { transactionalId, group, topic, partition } = this.#options;
    const wanted = { group, topic, partition, offset, metadata };
    await until('the offset in the transaction', async () => {
      const body = encodeTxnOffsetCommit(transactionalId, identity, wanted);
      const errorCode = await this.#groupCoordinator!.request(txnOffsetCommitApi, body, parseTxnOffsetCommit);
      return { errorCode, answer: null };
    });
  }

  async #end(identity: ProducerIdentity): Promise<ProducerIdentity> {
    return await until('the end of the transaction', async () => {
      const body = encodeEndTxn(this.#options.transactionalId, identity, 'commit');
      const { errorCode, next } = await this.#coordinator!.request(endTxnApi, body, parseEndTxn);
      return { errorCode, answer: next };
    });
  }
}

class Refused extends Error {
  override readonly name = 'Refused';
  readonly isAuthorization: boolean;

  constructor(what: string, errorCode: number) {
    super(`${what} was refused: ${errorName(errorCode)}`);
    this.isAuthorization = isAuthorization(errorCode);
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Refused && error.isAuthorization ? 'sink-unauthorized' : 'sink-unavailable';

/** Asks again while the answer is that something is being finished; any other error is for the caller. */
async function until<Answer>(
  what: string,
  ask: () => Promise<{ readonly errorCode: number; readonly answer: Answer }>,
): Promise<Answer> {
  for (let tries = 1; ; tries++) {
    const { errorCode, answer } = await ask();
    if (errorCode === errorCodes.none) return answer;
    if (!passing.has(errorCode)) throw new Refused(what, errorCode);
    if (tries >= triesMax) throw unavailable('kafka', new Error(`${what}: ${errorName(errorCode)}`));
    await wait(concurrentMs);
  }
}
