// What lies between an actor and the world: calls that take time, get lost on the way there or back, arrive twice, and actors that die or stand still.
import { unavailable } from '#core/errors.ts';
import type { Random } from '#test/support/seeded-random.ts';
import type { VirtualTime } from './virtual-time.ts';

/** One process: a reconciler or a worker. Dead, none of its promises ever go on; frozen, they go on when it wakes. */
export interface Actor {
  readonly name: string;
  alive: boolean;
  frozenUntil: number;
  /** Cut off from everything until then. */
  cutUntil: number;
  /** Dies at one of its coming calls, before its effect or after it. */
  diesSoon: boolean;
}

export const anActor = (name: string): Actor => ({ name, alive: true, frozenUntil: 0, cutUntil: 0, diesSoon: false });

/** Kinds of trouble that calls can meet; a failing run is made smaller by leaving out one after the other. */
export const callFaults = ['slow', 'request-lost', 'answer-lost', 'twice', 'stale', 'very-late'] as const;
export type CallFault = (typeof callFaults)[number];

export interface NetworkOptions {
  readonly time: VirtualTime;
  readonly random: Random;
  readonly faults: ReadonlySet<CallFault>;
  /** Share of calls that meet trouble during chaos. */
  readonly troubleShare: number;
  /** How long a client waits for an answer; a call that takes longer has failed, whatever became of it. */
  readonly requestMs: number;
  readonly onDeath: (actor: Actor) => void;
  readonly tell: (actor: string, line: () => string) => void;
}

type Call = () => Promise<unknown>;
export type MethodKind = 'read' | 'effect';

/** Kept of a listing so that a later one may be answered with it. */
interface Listed {
  readonly at: number;
  readonly value: unknown;
}

export class Network {
  /** Off in the calm phase: then every call is carried out and answered at once. */
  chaos = true;
  /** Ports that do not answer at all, until then. */
  readonly downUntil = new Map<string, number>();
  readonly #options: NetworkOptions;
  readonly #listings = new Map<string, Listed[]>();

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  /** The port as the actor reaches it. `staleMs`: how old an answer of these listings may be. */
  port<Port extends object>(
    actor: Actor,
    name: string,
    port: Port,
    methods: Readonly<Record<string, MethodKind>>,
    staleMs: Readonly<Record<string, number>> = {},
  ): Port {
    const wrapped: Record<string, unknown> = {};
    for (const [method, kind] of Object.entries(methods)) {
      const what = `${name}.${method}`;
      const target = Reflect.get(port, method) as (...inputs: unknown[]) => Promise<unknown>;
      wrapped[method] = (...inputs: unknown[]) => {
        const call = (): Promise<unknown> => target.apply(port, inputs);
        const within = staleMs[method];
        const answer = within === undefined ? call : () => this.#maybeOld(`${what}(${inputs.join()})`, within, call);
        return this.#call(actor, name, what, kind, answer, inputs);
      };
    }
    return wrapped as Port;
  }

  async #maybeOld(key: string, withinMs: number, call: Call): Promise<unknown> {
    const { time, random, faults } = this.#options;
    const kept = (this.#listings.get(key) ?? []).filter(({ at }) => time.now - at <= withinMs);
    this.#listings.set(key, kept);
    if (this.chaos && faults.has('stale') && kept.length > 0 && random.next() < 0.3) return random.pick(kept).value;
    const value = await call();
    kept.push({ at: time.now, value });
    return value;
  }

  #call(
    actor: Actor,
    port: string,
    what: string,
    kind: MethodKind,
    call: Call,
    inputs: readonly unknown[],
  ): Promise<unknown> {
    const { time, random, faults, troubleShare, requestMs, tell } = this.#options;
    const isDown = (): boolean => (this.downUntil.get(port) ?? 0) > time.now || actor.cutUntil > time.now;
    if (!this.chaos && !actor.diesSoon && actor.frozenUntil <= time.now && !isDown())
      return this.#now(actor, what, kind, inputs, call);
    const has = (fault: CallFault): boolean => faults.has(fault) && this.chaos;
    const trouble = random.next() < troubleShare && this.chaos ? random.pick(callFaults) : null;
    const isHit = (fault: CallFault): boolean => trouble === fault && has(fault);
    const slowMs = isHit('slow')
      ? random.below(3_000)
      : isHit('very-late')
        ? random.below(requestMs)
        : random.below(40);
    const goMs = random.below(slowMs + 1);
    const dies = actor.diesSoon && random.next() < 0.3 ? (random.next() < 0.5 ? 'before' : 'after') : null;
    return new Promise((resolve, reject) => {
      const failed = (why: string): void => {
        this.#deliver(actor, slowMs - goMs, () => reject(unavailable(port, new Error(why))));
      };
      time.after(goMs, () => {
        if (!actor.alive && random.next() < 0.5) return;
        if (dies === 'before') return this.#die(actor, `before ${what}`);
        if (isDown()) return failed(`${what}: no answer`);
        if (isHit('request-lost')) {
          tell(actor.name, () => `${what} never arrives`);
          return failed(`${what}: the request was lost`);
        }
        const twice = isHit('twice') && kind === 'effect';
        const asked = twice ? call().then(call) : call();
        asked.then(
          (value) => {
            if (kind === 'effect' && isWorthTelling(what, value))
              tell(actor.name, () => `${what}${twice ? ' twice' : ''} ${brief(inputs)} → ${brief(value)}`);
            if (dies === 'after') return this.#die(actor, `after ${what}`);
            if (isHit('answer-lost')) {
              tell(actor.name, () => `${what}: the answer is lost`);
              return failed(`${what}: the answer was lost`);
            }
            this.#deliver(actor, slowMs - goMs, () => resolve(value));
          },
          (error: unknown) => this.#deliver(actor, slowMs - goMs, () => reject(error)),
        );
      });
    });
  }

  /** Carried out and answered at once. */
  async #now(actor: Actor, what: string, kind: MethodKind, inputs: readonly unknown[], call: Call): Promise<unknown> {
    const value = await call();
    if (kind === 'effect' && isWorthTelling(what, value))
      this.#options.tell(actor.name, () => `${what} ${brief(inputs)} → ${brief(value)}`);
    return actor.alive ? value : await new Promise(() => {});
  }

  /** As long as the actor is frozen it does not go on, and never when it is dead. */
  sleep(actor: Actor, delayMs: number): Promise<void> {
    return new Promise((resolve) => this.#deliver(actor, delayMs, resolve));
  }

  every(actor: Actor, intervalMs: number, run: () => void): void {
    const turn = (): void => {
      run();
      this.#deliver(actor, intervalMs, turn);
    };
    this.#deliver(actor, intervalMs, turn);
  }

  #deliver(actor: Actor, delayMs: number, answer: () => void): void {
    const { time } = this.#options;
    const arrive = (): void => {
      if (!actor.alive) return;
      if (actor.frozenUntil > time.now) time.after(actor.frozenUntil - time.now, arrive);
      else answer();
    };
    time.after(delayMs, arrive);
  }

  #die(actor: Actor, when: string): void {
    if (!actor.alive) return;
    this.#options.tell(actor.name, () => `dies ${when}`);
    actor.alive = false;
    this.#options.onDeath(actor);
  }
}

/** A worker that goes on beating, leading and committing as before is no news. */
const isWorthTelling = (what: string, value: unknown): boolean =>
  !(what === 'workers.beat' && value === 'alive') &&
  !(what === 'splits.commit' && value === 'committed') &&
  !(what === 'workers.lead' && (value as { readonly counter?: number } | null)?.counter !== 1);

/** A value in at most so many characters, for the timeline. */
export function brief(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value, (_key, inner) => shorten(inner)) ?? '');
  return text.length > 130 ? `${text.slice(0, 127)}…` : text;
}

const shorten = (inner: unknown): unknown =>
  inner instanceof Uint8Array
    ? `${inner.length} bytes`
    : typeof inner === 'object' && inner !== null && 'program' in inner && 'settings' in inner
      ? 'the goal'
      : inner;
