// The invariants, checked at every effect on the simulated world (numbers as in docs/reliability.md). The first breach ends the run.
import { canarySlot } from '#core/canary/canary-slot.ts';
import { readManifest, sequenceOf } from '#core/checkpoint/read-manifest.ts';
import type { ReplayEntry } from '#core/graph/platform-goal.ts';
import type { PlatformSettings } from '#core/graph/platform-settings.ts';
import { isBalanced } from '#core/job/accounting.ts';
import { limits } from '#core/limits.ts';
import { isReplay, readJobId } from '#core/names.ts';
import { placedWorkers } from '#core/plan/control.ts';
import { taskIncarnation, taskRender, taskSlot } from '#core/plan/task-tags.ts';
import type { ControlRecord } from '#core/ports/control-store.ts';
import type { OperationEnding } from '#core/ports/goal-store.ts';
import type { CommitOutcome, SplitRecord } from '#core/ports/split-store.ts';
import type { ObservedTask } from '#core/ports/task-runner.ts';
import type { MemoryBrokerAdmin } from '#test/support/memory-broker-admin.ts';
import type { Ledger } from './ledger.ts';
import type { ModelWorker } from './model-worker.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface Violation {
  readonly invariant: string;
  readonly at: number;
  readonly message: string;
}

export interface WatchedWorld {
  readonly time: VirtualTime;
  readonly broker: MemoryBrokerAdmin;
  readonly ledger: Ledger;
  /** By worker's name. */
  readonly byName: ReadonlyMap<string, ModelWorker>;
  readonly liveTasks: (job: string) => readonly ObservedTask[];
  /** For how long the goal store has asked for it without a break; null: it does not. */
  readonly jobWantedMs: (job: string) => number | null;
  /** Null while somebody wishes for it; `keptUntil`: nothing that it left may go before. */
  readonly jobEnded: (job: string) => { readonly at: number; readonly keptUntil: number } | null;
  /** For how long changes to it have been stopped without a break; null: they are not. */
  readonly frozenMs: (job: string) => number | null;
  readonly topicKeptUntil: (topic: string) => number | null;
  readonly settings: Pick<PlatformSettings, 'guard'>;
  readonly topicWantedMs: (topic: string) => number | null;
  /** How long a request that was checked may still be under way. */
  readonly requestMs: number;
  readonly leaseMs: number;
  readonly checkpointsKept: number;
}

/** A wiped table may be rebuilt from older knowledge: what then cannot hold is not asked for. */
export interface Losses {
  controls: boolean;
  workersAt: number;
  splits: boolean;
  goals: boolean;
}

export class Watch {
  violation: Violation | null = null;
  readonly losses: Losses = { controls: false, workersAt: Number.NEGATIVE_INFINITY, splits: false, goals: false };
  /** Goals that were tried on a share of the splits, by job. */
  readonly trials = new Set<string>();
  /** Replays that came to their end. */
  replays = 0;
  /** Jobs that at some time were ended by an explicit wish. */
  readonly endedEver = new Set<string>();
  /** Ended, and what they left is cleared: an old listing may bring them back, to be ended once more. */
  readonly clearedJobs = new Set<string>();
  readonly splits = new Map<string, SplitRecord>();
  readonly fenced = new Set<string>();
  readonly #world: WatchedWorld;
  readonly #epochs = new Map<string, number>();
  readonly #books = new Map<string, number>();
  /** Splits with epochs that had been given out before the table was lost. */
  readonly #givenTwice = new Set<string>();
  /** Jobs whose clearing has begun, by their control records, with when. */
  readonly #clearing = new Map<string, number>();
  /** Jobs whose clearing is over: a step of it that was under way may still come. */
  readonly #clearedAt = new Map<string, number>();
  readonly #incarnations = new Map<string, number>();
  /** Job and render of goals that were given up, and when. */
  readonly #failed = new Map<string, number>();
  readonly #startedOnce = new Set<string>();
  /** By job: goals that workers of it were started for, or were to be before a freeze was known. */
  readonly #renders = new Map<string, Set<string>>();

  constructor(world: WatchedWorld) {
    this.#world = world;
  }

  breach(invariant: string, message: string): void {
    this.violation ??= { invariant, at: this.#world.time.now, message };
    this.#world.time.halted = true;
  }

  created(job: string, wanted: SplitRecord): void {
    const key = keyOf(job, wanted.split);
    if (this.splits.has(key)) return;
    this.splits.set(key, wanted);
    const position = Number(wanted.position);
    const { topic, partition } = partsOf(wanted.split);
    const there = this.#world.broker.look(topic);
    const isNew = !this.#books.has(`${key}\n${wanted.topicId}`);
    const earliest = there?.topicId === wanted.topicId ? (there.starts[partition] ?? 0) : position;
    if (isNew && position > earliest)
      this.breach('S6', `${job} begins ${wanted.split} at ${position}; its earliest record is ${earliest}`);
    // What retention has deleted nobody can do any more.
    if (!this.#world.ledger.begin(job, wanted.split, wanted.topicId, position) && position > earliest)
      this.breach('S6', `${job} begins ${wanted.split} anew at ${position}, beyond what was done`);
    for (const book of this.#books.keys()) if (book.startsWith(`${key}\n`)) this.#books.delete(book);
    this.#books.set(`${key}\n${wanted.topicId}`, wanted.accounting.in - position);
    if ((this.#epochs.get(key) ?? -1) > wanted.epoch && !this.losses.splits)
      this.breach('S2', `the epoch of ${wanted.split} of ${job} went back to ${wanted.epoch}`);
  }

  claimed(job: string, record: SplitRecord, from: string | null): void {
    const key = keyOf(job, record.split);
    const before = this.splits.get(key);
    this.splits.set(key, record);
    const isGivenTwice = (this.#epochs.get(key) ?? -1) >= record.epoch;
    if (isGivenTwice) this.#givenTwice.add(`${key}\n${record.epoch}`);
    if (isGivenTwice && !this.losses.splits && before?.owner !== record.owner)
      this.breach('S2', `epoch ${record.epoch} of ${record.split} of ${job} was given out twice`);
    this.#epochs.set(key, record.epoch);
    if (from === null || from === record.owner || this.fenced.has(from)) return;
    const owner = this.#world.byName.get(from);
    const itemsLost = this.#world.time.now - this.losses.workersAt < 3 * this.#world.leaseMs;
    if (owner?.mayWork && owner.heldSplits.some(({ name }) => name === record.split) && !itemsLost)
      this.breach('S1', `${record.owner} took ${record.split} from ${from}, whose lease runs`);
  }

  committed(
    job: string,
    held: { readonly split: string; readonly worker: string; readonly epoch: number },
    done: Pick<SplitRecord, 'position' | 'topicId' | 'accounting'>,
    outcome: CommitOutcome,
  ): void {
    if (outcome === 'fenced') return;
    const key = keyOf(job, held.split);
    const before = this.splits.get(key);
    if (!before || before.owner !== held.worker || before.epoch !== held.epoch) {
      this.breach('S1', `${held.worker} committed ${held.split} although ${before?.owner} owns it`);
      return;
    }
    const position = Number(done.position);
    if (before.topicId === done.topicId && position < Number(before.position)) return;
    this.splits.set(key, { ...before, ...done });
    this.#checkSettled(job, held.split, done.topicId, position);
    if (!isBalanced(done.accounting))
      this.breach('S3', `the books of ${held.split} of ${job} do not balance: ${JSON.stringify(done.accounting)}`);
    const bookKey = `${key}\n${done.topicId}`;
    // What the same worker did of the split before its item was lost may come to be committed as well: of either life its own.
    if (this.#givenTwice.has(`${key}\n${held.epoch}`)) this.#books.delete(bookKey);
    const expected = this.#books.get(bookKey);
    if (expected === undefined) this.#books.set(bookKey, done.accounting.in - position);
    // Of a replay nothing counts that is not meant: its receipt is looked at instead.
    else if (done.accounting.in - position !== expected && !isReplay(job))
      this.breach('S3', `${job} counted ${done.accounting.in - expected} records of ${held.split} at ${position}`);
  }

  /** Set by an operation: what is read again counts again. Set on it may be over what is done, or gone by retention. */
  placed(job: string, record: SplitRecord): void {
    const key = keyOf(job, record.split);
    const before = this.splits.get(key);
    const position = Number(record.position);
    if (before?.topicId === record.topicId && position > Number(before.position))
      this.#checkSettled(job, record.split, record.topicId, position);
    this.splits.set(key, record);
    this.#epochs.set(key, record.epoch);
    this.#books.set(`${key}\n${record.topicId}`, record.accounting.in - position);
  }

  /** Told to be over: of each dead letter that was meant something durable has become, and each is counted once. */
  replayEnded({ goal, operation }: ReplayEntry, { state, receipt }: OperationEnding): void {
    if (state !== 'succeeded') return;
    this.replays++;
    let meant = 0;
    for (const { partition, end } of operation.plan.ends) {
      const split = `${goal.source.topic}/${partition}`;
      const topicId = operation.plan.topicId!;
      // What retention has deleted before anybody began is not there to be meant.
      meant += Math.max(0, Number(end) - this.#world.ledger.from(goal.id, split, topicId));
      this.#checkSettled(goal.id, split, topicId, Number(end));
    }
    const counted = receipt?.kind === 'replay' ? receipt.replayed : 0;
    if (counted !== meant && !this.losses.splits)
      this.breach('S3', `${goal.id} is told to have replayed ${counted} dead letters; ${meant} were meant`);
  }

  #checkSettled(job: string, split: string, topicId: string, position: number): void {
    const { topic, partition } = partsOf(split);
    const there = this.#world.broker.look(topic);
    const earliest = there === null || there.topicId !== topicId ? position : (there.starts[partition] ?? 0);
    const open = this.#world.ledger.firstUnsettled(job, split, topicId, position, earliest);
    if (open !== null)
      this.breach('S3', `${job} stands at ${position} of ${split}, but what became of record ${open} is not durable`);
  }

  released(job: string, split: string, worker: string): void {
    const record = this.splits.get(keyOf(job, split));
    if (record?.owner === worker) this.splits.set(keyOf(job, split), { ...record, owner: null });
  }

  /** Everything that is kept of a job goes. */
  cleared(job: string): void {
    if (!this.endedEver.has(job)) this.breach('S5', `${job} was cleared, but nobody ever ended it`);
    this.clearedJobs.add(job);
    // Nothing is known any more of what its goals came to.
    for (const key of this.#failed.keys()) if (key.startsWith(`${job} `)) this.#failed.delete(key);
    const ended = this.#world.jobEnded(job);
    // One whose clearing had begun before is cleared in full first, and nobody can come back to it.
    const isNewer = ended !== null && ended.at > (this.#clearing.get(job) ?? Infinity);
    if (ended !== null && !isNewer && this.#world.time.now < ended.keptUntil && !this.losses.goals)
      this.breach('S5', `${job} was cleared ${ended.keptUntil - this.#world.time.now} ms before its grace was over`);
    const wantedMs = this.#world.jobWantedMs(job);
    const isUnderWay = this.#clearing.has(job) || this.#mayStillCome(job);
    if (wantedMs !== null && wantedMs > this.#world.requestMs && !this.losses.goals && !isUnderWay)
      this.breach('S7', `${job} was cleared although it has been wanted for ${wantedMs} ms`);
    if (this.#world.liveTasks(job).length > 0 && wantedMs === null && !this.#frozenOrUnlisted(job))
      this.breach('S5', `${job} was cleared while a worker of it works`);
    for (const key of this.splits.keys())
      if (key.startsWith(keyOf(job, ''))) {
        this.splits.delete(key);
        this.#epochs.delete(key);
      }
  }

  #mayStillCome(job: string): boolean {
    const clearedAt = this.#clearedAt.get(job) ?? Number.NEGATIVE_INFINITY;
    return this.#world.time.now - clearedAt <= limits.lookMsMax + this.#world.requestMs;
  }

  /** Its record is gone, the last of it. */
  forgotten(job: string): void {
    this.#clearedAt.set(job, this.#world.time.now);
  }

  /** Workers that the runtime or the heartbeats may not show for a while. */
  #frozenOrUnlisted(job: string): boolean {
    return this.#world
      .liveTasks(job)
      .every((task) => this.#world.time.now - task.createdAt < 120_000 || !this.#isReporting(task.taskId));
  }

  #isReporting(taskId: string): boolean {
    const worker = [...this.#world.byName.values()].find((each) => each.taskId === taskId);
    return worker?.mayWork ?? false;
  }

  topicRemoved(topic: string): void {
    const wantedMs = this.#world.topicWantedMs(topic);
    if (wantedMs !== null && wantedMs > this.#world.requestMs)
      this.breach('S7', `topic ${topic} was deleted although it has been wanted for ${wantedMs} ms`);
    const keptUntil = this.#world.topicKeptUntil(topic);
    if (keptUntil !== null && this.#world.time.now < keptUntil && !this.losses.goals)
      this.breach('S5', `topic ${topic} was deleted ${keptUntil - this.#world.time.now} ms before its grace was over`);
  }

  /** `whole`: jobs that have been ended, and not begun to end, nor agreed to, before this was written. */
  controlWritten(
    record: ControlRecord,
    before: ControlRecord | null,
    whole: readonly { readonly job: string; readonly endedMs: number }[],
  ): void {
    const key = `${record.job} ${record.failed?.render}`;
    if (record.failed && !this.#failed.has(key)) this.#failed.set(key, this.#world.time.now);
    if (before?.failed && !record.failed) this.#failed.delete(`${record.job} ${before.failed.render}`);
    this.#noteClearing(record);
    this.#noteRenders(record);
    if (record.announced['ending'] !== undefined && before?.announced['ending'] === undefined)
      this.#checkGuard(record.job, whole);
    const last = this.#incarnations.get(record.job) ?? 0;
    const mayForget = this.losses.controls || this.losses.goals || this.endedEver.has(record.job);
    if (record.incarnationLast < last && !mayForget)
      this.breach('S2', `the last incarnation of ${record.job} went back from ${last} to ${record.incarnationLast}`);
    this.#incarnations.set(record.job, Math.max(last, record.incarnationLast));
    const isAnnounced = record.announced['phase'] === 'Running' && before?.announced['phase'] !== 'Running';
    if (isAnnounced) this.#checkRunning(record);
    this.#checkTrial(record, before);
  }

  /** A pass acts on a goal of half a minute ago at most. */
  #noteClearing({ job, announced }: ControlRecord): void {
    if (announced['clearing'] !== 'begun') {
      this.#clearing.delete(job);
      return;
    }
    const wantedMs = this.#world.jobWantedMs(job);
    if (wantedMs !== null && wantedMs > limits.decisionMsMax + this.#world.requestMs && !this.losses.goals)
      this.breach('S7', `${job} is to be cleared although it has been wanted for ${wantedMs} ms`);
    if (!this.#clearing.has(job)) this.#clearing.set(job, this.#world.time.now);
  }

  /** Until it has shown what it does, a goal on trial is started in no slot but the one for trials. */
  #checkTrial({ job, canary, slots }: ControlRecord, before: ControlRecord | null): void {
    if (canary === undefined) return;
    this.trials.add(`${job} ${canary.render}`);
    if (canary.promotedAt !== undefined) return;
    for (const [slot, record] of Object.entries(slots)) {
      const isNew = before?.slots[slot]?.incarnation !== record.incarnation;
      if (Number(slot) !== canarySlot && isNew && record.render === canary.render)
        this.breach('S16', `${job}: slot ${slot} is given to the goal that is on trial`);
    }
  }

  /** A pass acts on a goal of half a minute ago at most: all that had ended by then it has seen together. */
  #checkGuard(job: string, whole: readonly { readonly job: string; readonly endedMs: number }[]): void {
    if (!whole.some((one) => one.job === job)) return;
    const seen = whole.filter(({ endedMs }) => endedMs > limits.decisionMsMax + this.#world.requestMs);
    const { jobsMin } = this.#world.settings.guard;
    // So few jobs are there that the share never counts.
    if (seen.length > jobsMin && !this.losses.goals && !this.losses.controls)
      this.breach('S5', `${job} begins to end with ${seen.length} others, more than ${jobsMin}, and nobody agreed`);
  }

  /** Told to be running: then every slot's worker reported not long before the pass looked, on the goal that the slot was decided for. */
  #checkRunning(record: ControlRecord): void {
    const { time, leaseMs, requestMs } = this.#world;
    for (const [slot, { incarnation, render }] of Object.entries(record.slots)) {
      // Under a freeze a trial goes on, and its worker is not replaced.
      if (Number(slot) === canarySlot) continue;
      // With the reconciler's memory lost a number may be given out again, in another slot.
      const found = [...this.#world.byName.values()].find(
        ({ identity }) =>
          identity.job === record.job && identity.incarnation === incarnation && identity.slot === Number(slot),
      );
      // A clock that is off by more than a lease can make a beat of long ago seem new to whoever begins to watch.
      const isOff = found !== undefined && Math.abs(found.skewMs) > leaseMs;
      if (found === undefined || (!isOff && time.now - found.aliveAt > leaseMs + limits.decisionMsMax + requestMs))
        this.breach('S11', `${record.job} is said to be Running, but slot ${slot} has no worker that reports`);
      else if (found.identity.render !== render)
        this.breach('S11', `${record.job} is said to be Running, but slot ${slot} runs another goal`);
    }
  }

  taskAsked(task: ObservedTask, slotsMax: number): void {
    const name = `${task.job} ${taskIncarnation(task)}`;
    const mayForget = this.losses.controls || this.losses.goals || this.endedEver.has(task.job);
    if (this.#startedOnce.has(name) && !mayForget)
      this.breach('S1', `two tasks were started for incarnation ${taskIncarnation(task)} of ${task.job}`);
    this.#startedOnce.add(name);
    this.#checkFreeze(task);
    const failedAt = this.#failed.get(`${task.job} ${taskRender(task)}`);
    const givenUpMs = failedAt === undefined ? 0 : this.#world.time.now - failedAt;
    if (givenUpMs > limits.decisionMsMax + this.#world.requestMs && !this.losses.controls && !this.losses.goals)
      this.breach('S15', `a worker of ${task.job} was started for a goal that was given up ${givenUpMs} ms before`);
    if (readJobId(task.job) === null) this.breach('S8', `a task of ${task.job} has no owner`);
    const live = this.#world.liveTasks(task.job).filter((other) => taskSlot(other) === taskSlot(task));
    if (live.length > 8 + slotsMax)
      this.breach('S12', `${live.length} tasks live in slot ${taskSlot(task)} of ${task.job}`);
  }

  /** Under a freeze workers are replaced by such as ran before it, or had been given a slot: the ones before them may have ended by then. */
  #checkFreeze(task: ObservedTask): void {
    const frozenMs = this.#frozenMs(task.job);
    if (!this.#noteRender(task.job, taskRender(task)) && frozenMs !== null)
      this.breach('S14', `a worker of another goal of ${task.job} was started ${frozenMs} ms after it was frozen`);
  }

  #noteRenders({ job, slots }: ControlRecord): void {
    if (this.#frozenMs(job) !== null) return;
    for (const { render } of placedWorkers(Object.values(slots))) this.#noteRender(job, render);
  }

  /** Whether it was known before. */
  #noteRender(job: string, render: string): boolean {
    const renders = this.#renders.get(job) ?? new Set<string>();
    this.#renders.set(job, renders);
    const isKnown = renders.has(render);
    renders.add(render);
    return isKnown;
  }

  /** Null: it is not, or a pass may not know yet, or does not know any more what was begun. */
  #frozenMs(job: string): number | null {
    const frozenMs = this.#world.frozenMs(job);
    const isKnown = frozenMs !== null && frozenMs >= limits.decisionMsMax + this.#world.requestMs;
    return isKnown && !this.losses.goals && !this.losses.controls ? frozenMs : null;
  }

  checkpointStored(key: string, bytes: Uint8Array, wasThere: boolean, outcome: 'stored' | 'exists'): void {
    if (outcome === 'exists') return;
    const sequence = sequenceOf(key);
    if (sequence === null) return;
    if (wasThere) this.breach('S4', `checkpoint ${key} was written over`);
    const [job, uid] = ownerOf(key);
    const read = readManifest(bytes, job, uid);
    if (!read.ok) {
      this.breach('S4', `checkpoint ${key} cannot be read: ${read.problem}`);
      return;
    }
    for (const { split, topicId, position, epoch } of read.value.splits) {
      const record = this.splits.get(keyOf(job, split));
      const isAhead = record?.topicId === topicId && Number(position) > Number(record.position);
      // On its way since before the split was set back.
      const wasSetBack = record?.placed && epoch < record.epoch && Number(position) <= Number(record.placed.from);
      if (isAhead && !wasSetBack && !this.losses.splits)
        this.breach('S4', `checkpoint ${key} has ${split} at ${position}, ahead of what is committed`);
    }
  }

  objectRemoved(key: string, left: readonly string[]): void {
    const sequence = sequenceOf(key);
    if (sequence === null) return;
    const prefix = key.slice(0, key.lastIndexOf('/') + 1);
    const newer = left.filter((other) => other.startsWith(prefix) && (sequenceOf(other) ?? 0) > sequence);
    if (newer.length < this.#world.checkpointsKept)
      this.breach('S4', `checkpoint ${key} was removed with only ${newer.length} newer ones left`);
  }
}

export const keyOf = (job: string, split: string): string => `${job}\n${split}`;

export function partsOf(split: string): { readonly topic: string; readonly partition: number } {
  const slash = split.lastIndexOf('/');
  return { topic: split.slice(0, slash), partition: Number(split.slice(slash + 1)) };
}

/** Job and life of it, of `checkpoints/<job>/<uid>/<number>.json`. */
function ownerOf(checkpoint: string): readonly [job: string, uid: string] {
  const parts = checkpoint.split('/');
  return [parts.slice(1, -2).join('/'), parts.at(-2)!];
}
