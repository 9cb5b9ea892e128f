// The people of a simulated world: what they declare, and how they change it.
import type { JobGoal } from '#core/job/job-goal.ts';
import type { OperationPlan } from '#core/operations/operation.ts';
import type { GoalStore, OperationKind } from '#core/ports/goal-store.ts';
import type { Json } from '#core/spec/json.ts';
import { seededRandom } from '#test/support/seeded-random.ts';
import type { Step } from './steps.ts';

const asked = { tenant: 'default', author: 'ann', reason: '' };

/**
 * By its memory a worker of the model knows that its goal is one of those that it cannot live with. A setting that shapes
 * the process: one that is live would be taken over by workers that run, and no goal would have to make room for it.
 */
const badMemoryMiB = 666;
export const isBadGoal = ({ resources }: Pick<JobGoal, 'resources'>): boolean => resources.memoryMiB === badMemoryMiB;

const fleet = { ...asked, scope: 'fleet' as const, name: '' };

interface RouteWish {
  from: string;
  limit: number;
  workers: number;
  sinks: readonly string[];
  paused: boolean;
  /** Workers of it end by themselves soon after they have started. */
  bad?: boolean;
  /** How workers of a newer goal come in; absent: when the others have ended. */
  redeploy?: 'lower-latency' | 'canary';
  /** The platform changes the number of its workers. */
  scaled?: boolean;
}

/** Knows what was last wished for, so that everything can be declared again after the store forgot it. */
export class People {
  readonly #goals: GoalStore;
  readonly #streams = new Map<string, number>();
  readonly #routes = new Map<string, RouteWish>();
  readonly #deleted = new Map<string, RouteWish>();
  #label = 0;

  constructor(goals: GoalStore) {
    this.#goals = goals;
  }

  async begin(seed: number): Promise<void> {
    const random = seededRandom(seed * 104729 + 3);
    const streamCount = 1 + random.below(2);
    for (let index = 0; index < streamCount; index++) await this.#setStream(`events-${index}`, 1 + random.below(3));
    const routeCount = 1 + random.below(3);
    for (let index = 0; index < routeCount; index++) {
      const from = `events-${random.below(streamCount)}`;
      const base: RouteWish = {
        from,
        limit: 0,
        workers: 1 + random.below(2),
        sinks: ['out'],
        paused: false,
        scaled: seed % 4 === 1,
      };
      const roll = random.next();
      const redeploy = roll < 0.3 ? 'lower-latency' : roll < 0.7 ? 'canary' : null;
      const wish: RouteWish = redeploy === null ? base : { ...base, redeploy };
      await this.#setRoute(`route-${index}`, wish);
    }
  }

  get routeNames(): readonly string[] {
    return [...this.#routes.keys()];
  }

  get streamNames(): readonly string[] {
    return [...this.#streams.keys()];
  }

  /** Everything is declared once more, as somebody does after the store was restored from a backup. */
  async declareAgain(): Promise<void> {
    this.#label++;
    for (const [name, partitions] of this.#streams) await this.#setStream(name, partitions);
    for (const [name, wish] of this.#routes) await this.#setRoute(name, wish);
  }

  async act(step: Step): Promise<void> {
    const random = seededRandom(step.roll);
    const names = this.routeNames;
    const name = names.length === 0 ? `route-${random.below(3)}` : random.pick(names);
    const wish = this.#routes.get(name);
    switch (step.kind) {
      case 'change-route':
        return wish && this.#setRoute(name, { ...wish, limit: wish.limit + 1, bad: false });
      case 'bad-revision':
        return wish && this.#setRoute(name, { ...wish, bad: true });
      case 'change-workers':
        return wish && this.#setRoute(name, { ...wish, workers: 1 + random.below(3) });
      case 'change-sinks':
        return wish && this.#setRoute(name, { ...wish, sinks: random.next() < 0.5 ? ['out'] : ['out', 'copy'] });
      case 'toggle-paused':
        return wish && this.#setRoute(name, { ...wish, paused: !wish.paused });
      case 'grow-stream': {
        const stream = random.pick(this.streamNames);
        return stream === undefined ? undefined : this.#setStream(stream, this.#streams.get(stream)! + 1);
      }
      case 'pause':
      case 'resume':
      case 'restart':
        return this.operate(`${name}.out`, step.kind);
      case 'delete-route':
        this.#routes.delete(name);
        if (wish) this.#deleted.set(name, wish);
        await this.#goals.remove({ ...asked, kind: 'Route', name, ...(random.next() < 0.2 ? { purge: true } : {}) });
        // Now and then it is wanted again before anybody has cleaned up.
        if (random.next() < 0.5 && wish) await this.#setRoute(name, wish);
        return;
      case 'delete-all-routes':
        return this.#deleteAll();
      case 'undelete-route':
        return this.#undelete(random.pick([...this.#deleted.keys()]));
      case 'freeze':
        return void (await this.#goals.freeze(
          random.next() < 0.5 ? fleet : { ...fleet, scope: 'job', name: `${name}.out` },
        ));
      case 'unfreeze':
        return this.unfreeze();
      case 'create-route':
        return this.#setRoute(`route-${random.below(4)}`, this.#newWish(random.pick(this.streamNames)));
      case 'delete-stream':
        return this.#deleteStream(random.next() < 0.5);
      case 'write-for-newer-version':
        if (wish) await this.#write(name, { ...this.#declaredOf(wish), sharding: { of: 'the future' } });
        return;
      default:
        return;
    }
  }

  /** What was declared badly is mended. */
  async mend(): Promise<void> {
    for (const [name, wish] of this.#routes) if (wish.bad) await this.#setRoute(name, { ...wish, bad: false });
  }

  async unfreeze(): Promise<void> {
    for (const freeze of (await this.#goals.snapshot()).freezes) await this.#goals.unfreeze(freeze);
  }

  async approve(jobs: readonly string[]): Promise<void> {
    if (jobs.length > 0) await this.#goals.approve({ ...asked, jobs });
  }

  /** A script that went too far. */
  async #deleteAll(): Promise<void> {
    for (const [name, wish] of this.#routes) this.#deleted.set(name, wish);
    const removes = this.routeNames.map((name) => ({ kind: 'Route' as const, name }));
    this.#routes.clear();
    await this.#goals.change({ ...asked, applies: [], removes });
  }

  async #undelete(name: string | undefined): Promise<void> {
    const wish = name === undefined ? undefined : this.#deleted.get(name);
    if (name === undefined || wish === undefined || !this.#streams.has(wish.from)) return;
    this.#deleted.delete(name);
    if (this.#routes.has(name)) return;
    this.#routes.set(name, wish);
    const apply = {
      kind: 'Route' as const,
      metadata: this.#metadata(name),
      declared: this.#declaredOf(wish),
      revive: true,
    };
    await this.#goals.change({ ...asked, applies: [apply], removes: [] });
  }

  #newWish(from: string | undefined): RouteWish {
    return { from: from ?? 'events-0', limit: 0, workers: 1, sinks: ['out'], paused: false };
  }

  async #deleteStream(again: boolean): Promise<void> {
    const read = new Set([...this.#routes.values()].map(({ from }) => from));
    const name = this.streamNames.find((stream) => !read.has(stream));
    if (name === undefined) return;
    const partitions = this.#streams.get(name)!;
    this.#streams.delete(name);
    await this.#goals.remove({ ...asked, kind: 'Stream', name });
    if (again) await this.#setStream(name, partitions);
  }

  async #setStream(name: string, partitions: number): Promise<void> {
    this.#streams.set(name, partitions);
    await this.#goals.apply({ ...asked, kind: 'Stream', metadata: this.#metadata(name), declared: { partitions } });
  }

  async #setRoute(name: string, wish: RouteWish): Promise<void> {
    if (!this.#streams.has(wish.from)) await this.#setStream(wish.from, 1);
    this.#routes.set(name, wish);
    await this.#write(name, this.#declaredOf(wish));
  }

  /** Also what this version of the platform does not understand: a newer one may have written it before it was rolled back. */
  async #write(name: string, declared: Json): Promise<void> {
    await this.#goals.apply({ ...asked, kind: 'Route', metadata: this.#metadata(name), declared });
  }

  /** Of the route's life as it is by then: another one has no such positions. */
  async operate(job: string, kind: OperationKind, plan?: OperationPlan): Promise<void> {
    const revision = await this.#goals.read('default', 'Route', job.slice(0, job.lastIndexOf('.')));
    if (revision === null) return;
    const wish = { ...asked, job, uid: revision.uid, kind, ...(plan === undefined ? {} : { plan }) };
    await this.#goals.requestOperation(wish);
  }

  async readFrom(route: string, stream: string): Promise<void> {
    const wish = this.#routes.get(route);
    if (wish) await this.#setRoute(route, { ...wish, from: stream });
  }

  #declaredOf(wish: RouteWish): { readonly [key: string]: Json } {
    return declaredOf(wish, this.#streams.get(wish.from) ?? 1);
  }

  #metadata(name: string) {
    return { name, owner: 'playback', labels: this.#label === 0 ? {} : { again: String(this.#label) } };
  }
}

/** What the source has fewer than two partitions of cannot be tried on some of them. */
const redeployOf = ({ redeploy }: RouteWish, partitions: number): object =>
  redeploy === undefined || (redeploy === 'canary' && partitions < 2) ? {} : { delivery: { onRedeploy: redeploy } };

const declaredOf = (wish: RouteWish, partitions: number): { readonly [key: string]: Json } => ({
  from: wish.from,
  where: `x > ${wish.limit}`,
  to: wish.sinks.map((sink) => ({ name: sink, stream: `${wish.from}-${sink}-${wish.limit % 2}` })),
  resources: { workers: wish.workers, ...(wish.bad ? { memory: `${badMemoryMiB}MiB` } : {}) },
  ...(wish.paused ? { paused: true } : {}),
  ...(wish.scaled ? { autoscale: { mode: 'on', max: 4, drainTime: '10s' } } : {}),
  ...redeployOf(wish, partitions),
});
