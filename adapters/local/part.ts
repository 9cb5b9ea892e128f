// One part of the local platform: a process with a real readiness check, restarted when it dies, until it is stopped.
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, PlatformError } from '#core/errors.ts';
import { boundLog, lastLines, openLog } from './log-file.ts';
import { answersWithinMs } from './parts/ask-once.ts';
import { end, identify, type ProcessIdentity } from './process-identity.ts';

export interface Part {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment of the process: nothing of ours is passed on beside it. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Where others reach it. */
  readonly endpoint: string;
  /** What has to be there before each start: a formatted disk, a configuration. Idempotent. */
  readonly prepare?: () => Promise<void>;
  /** A real request, answered rightly; throws with the reason where it was not. */
  readonly probe: () => Promise<void>;
  readonly readyWithinMs: number;
  /** How often a process that ends before it is ready is started in all, as by what it depends on and is slow; 1 where not given. */
  readonly startsMax?: number;
  readonly stopSignal: NodeJS.Signals;
  readonly stopWithinMs: number;
  /** What is to be done with what an orderly end left: one that was asked for and not killed. It may fail. */
  readonly afterEnd?: () => void;
}

export type PartState = 'stopped' | 'starting' | 'ready' | 'restarting' | 'stopping';

export type PartEvent =
  | { readonly kind: 'starting' | 'stopped'; readonly part: string }
  | { readonly kind: 'ready'; readonly part: string; readonly tookMs: number }
  | { readonly kind: 'died'; readonly part: string; readonly how: string; readonly againInMs: number }
  | { readonly kind: 'not-kept'; readonly part: string; readonly reason: string }
  | { readonly kind: 'not-ready'; readonly part: string; readonly reason: string; readonly againInMs: number };

export interface PartPlaces {
  readonly logs: string;
  /** Where the process's identity is written down, for whoever has to end it when we no longer can. */
  readonly run: string;
}

export interface PartOptions {
  readonly tell?: (event: PartEvent) => void;
  /** Whether it is started again when it dies; true where not given. */
  readonly restart?: boolean;
}

const probeEveryMs = 100;
const backoffMs = { first: 200, most: 10_000, forgottenAfter: 60_000 };

/** Owns the process of one part from start to stop. */
export class RunningPart {
  readonly part: Part;
  readonly logPath: string;
  state: PartState = 'stopped';
  identity: ProcessIdentity | null = null;
  startedAt = 0;
  restarts = 0;
  readonly #runPath: string;
  readonly #tell: (event: PartEvent) => void;
  readonly #restart: boolean;
  #exit: Promise<string> = Promise.resolve('never started');
  #stopping = new AbortController();
  #watch: Promise<void> = Promise.resolve();

  constructor(part: Part, places: PartPlaces, options: PartOptions = {}) {
    this.part = part;
    this.#tell = options.tell ?? (() => {});
    this.#restart = options.restart ?? true;
    this.logPath = join(places.logs, `${part.name}.log`);
    this.#runPath = join(places.run, `${part.name}.json`);
    mkdirSync(places.logs, { recursive: true });
    mkdirSync(places.run, { recursive: true });
  }

  /** Resolves when the part answers; rejects when its process ends before that or takes too long. */
  async start(): Promise<void> {
    this.#stopping = new AbortController();
    await this.#startFirst();
    if (this.#restart) this.#watch = this.#restartWhenItDies();
  }

  /** Asks, waits, kills. The part stays stopped. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    // A second look after the watch has ended: a restart may have been under way.
    for (const settled of [this.#watch, this.#exit]) {
      if (this.identity === null) break;
      this.state = 'stopping';
      await end(this.identity, this.part.stopSignal, this.part.stopWithinMs);
      await settled;
      if (!(await this.#exit).includes('SIGKILL')) this.#keepWhatIsLeft();
    }
    rmSync(this.#runPath, { force: true });
    if (this.state !== 'stopped') this.#tell({ kind: 'stopped', part: this.part.name });
    this.state = 'stopped';
    this.identity = null;
  }

  #keepWhatIsLeft(): void {
    try {
      this.part.afterEnd?.();
    } catch (error) {
      this.#tell({ kind: 'not-kept', part: this.part.name, reason: messageOf(error) });
    }
  }

  /** SIGKILL to the whole group, as a fault would; the part comes back by itself where it is watched. */
  async kill(): Promise<void> {
    if (this.identity !== null) await end(this.identity, 'SIGKILL', 5_000);
    await this.#exit;
  }

  /** What ends by itself is tried again; what does not answer in its time has had that. */
  async #startFirst(): Promise<void> {
    const until = performance.now() + this.part.readyWithinMs;
    let delayMs = backoffMs.first;
    for (let start = 1; ; start++) {
      try {
        return await this.#startOnce();
      } catch (error) {
        const isLast = start >= (this.part.startsMax ?? 1) || performance.now() >= until;
        if (isLast || this.#stopping.signal.aborted) throw error;
        this.#tell({ kind: 'not-ready', part: this.part.name, reason: messageOf(error), againInMs: delayMs });
        await sleep(delayMs, undefined, { signal: this.#stopping.signal }).catch(() => {});
        delayMs *= 2;
      }
    }
  }

  async #startOnce(): Promise<void> {
    const began = performance.now();
    this.state = 'starting';
    this.#tell({ kind: 'starting', part: this.part.name });
    await this.part.prepare?.();
    if (this.#stopping.signal.aborted) throw this.#failed('was stopped before it started');
    boundLog(this.logPath);
    try {
      this.#spawn();
      await this.#ready(began + this.part.readyWithinMs);
    } catch (error) {
      if (this.identity !== null) await end(this.identity, 'SIGKILL', 5_000);
      throw error;
    }
    this.state = 'ready';
    this.#tell({ kind: 'ready', part: this.part.name, tookMs: Math.round(performance.now() - began) });
  }

  #spawn(): void {
    const { command, args, env, cwd } = this.part;
    const log = openLog(this.logPath);
    // Its own process group: Ctrl-C in a terminal reaches us alone, and we stop the parts in their order.
    const child = spawn(command, args, {
      env,
      ...(cwd === undefined ? {} : { cwd }),
      stdio: ['ignore', log, log],
      detached: true,
    });
    closeSync(log);
    this.startedAt = Date.now();
    this.#exit = new Promise((resolve) => {
      child.once('error', (error) => resolve(`could not be run: ${error.message}`));
      child.once('exit', (code, signal) => resolve(signal === null ? `ended with code ${code}` : `ended by ${signal}`));
    });
    this.identity = child.pid === undefined ? null : identify(child.pid);
    if (this.identity !== null)
      writeFileSync(this.#runPath, JSON.stringify({ name: this.part.name, ...this.identity }));
  }

  async #ready(until: number): Promise<void> {
    let reason = 'it was not asked yet';
    const ended = this.#exit.then((how) => ({ how }));
    for (;;) {
      const answer = await Promise.race([
        ended,
        this.#probe(),
        sleep(answersWithinMs, { silent: 'no answer' }, { ref: false }),
      ]);
      if (answer === 'ready') return;
      if ('how' in answer) throw this.#failed(answer.how);
      reason = answer.silent;
      if (performance.now() > until || this.#stopping.signal.aborted) {
        throw this.#failed(`is not ready after ${this.part.readyWithinMs} ms (${reason})`);
      }
      await sleep(probeEveryMs);
    }
  }

  #probe(): Promise<'ready' | { readonly silent: string }> {
    return this.part.probe().then(
      () => 'ready',
      (error) => ({ silent: messageOf(error) }),
    );
  }

  async #restartWhenItDies(): Promise<void> {
    let delayMs = backoffMs.first;
    for (;;) {
      const how = await this.#exit;
      if (this.#stopping.signal.aborted) return;
      if (Date.now() - this.startedAt > backoffMs.forgottenAfter) delayMs = backoffMs.first;
      this.state = 'restarting';
      this.#tell({ kind: 'died', part: this.part.name, how, againInMs: delayMs });
      delayMs = await this.#startAgain(delayMs);
      if (this.#stopping.signal.aborted) return;
    }
  }

  /** Tries until the part is ready or stopped; returns the delay before the next try, should it die again. */
  async #startAgain(delayMs: number): Promise<number> {
    for (;;) {
      await sleep(delayMs, undefined, { signal: this.#stopping.signal }).catch(() => {});
      if (this.#stopping.signal.aborted) return delayMs;
      delayMs = Math.min(delayMs * 2, backoffMs.most);
      this.restarts++;
      try {
        await this.#startOnce();
        return delayMs;
      } catch (error) {
        if (this.#stopping.signal.aborted) return delayMs;
        this.state = 'restarting';
        this.#tell({ kind: 'not-ready', part: this.part.name, reason: messageOf(error), againInMs: delayMs });
      }
    }
  }

  #failed(how: string): PlatformError {
    const tail = lastLines(this.logPath, 15).map((line) => `  | ${line}`);
    return new PlatformError(
      'part-not-started',
      [`${this.part.name} ${how}; expected an answer at ${this.part.endpoint}. See ${this.logPath}:`, ...tail].join(
        '\n',
      ),
      { fault: 'external', retry: 'retry' },
    );
  }
}
