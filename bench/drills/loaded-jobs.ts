// Two jobs under load, one at least once and one exactly once, and what became of every event that they were given.
import { agrees, waitForEnd } from '#bench/soak/catch-up.ts';
import { startLoad } from '#bench/soak/load.ts';
import { judge } from '#bench/soak/oracle.ts';
import type { JobView } from '#core/api/wire.ts';
import { deadLetterTopic } from '#core/names.ts';
import { aDeclaration } from '#test/support/documents.ts';
import { until } from '#test/support/until.ts';
import type { DrillScene } from './drill.ts';
import { Flow } from './flow.ts';

export const source = 'drill-in';
export const modes = { plain: 'at-least-once', exact: 'exactly-once' } as const;
export type RouteName = keyof typeof modes;
export const routeNames = ['plain', 'exact'] as const satisfies readonly RouteName[];
export const jobOf = (route: RouteName): string => `${route}.out`;
const sinkOf = (route: RouteName): string => `${route}-out`;

export const sourceDocument = (spec: object = {}): object => aDeclaration('Stream', source, { partitions: 4, ...spec });

export const routeDocument = (route: RouteName, spec: object = {}, delivery: object = {}): object =>
  aDeclaration('Route', route, {
    from: source,
    where: "parity = 'even'",
    to: [{ name: 'out', stream: sinkOf(route) }],
    delivery: { guarantee: modes[route], ...delivery },
    resources: { workers: 2 },
    ...spec,
  });

/** A replacement's lease and the backlog. */
const catchUpMs = 300_000;

export interface LoadVerdict {
  readonly ok: boolean;
  readonly mode: string;
  readonly records: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly disordered: number;
  readonly balanced: boolean;
  /** What the platform told of the job, by reason: it explains what came twice. */
  readonly events: Readonly<Record<string, number>>;
}

/** Load on the source from `start` to `end`; the platform must be up, and both routes declared. */
export class LoadedJobs {
  readonly flow: Flow;
  readonly #scene: DrillScene;
  readonly #load: Awaited<ReturnType<typeof startLoad>>;

  private constructor(scene: DrillScene, load: Awaited<ReturnType<typeof startLoad>>) {
    this.#scene = scene;
    this.#load = load;
    this.flow = new Flow(scene.platform.kafka, routeNames.map(sinkOf));
  }

  /** Returns once both jobs let events through. */
  static async start(scene: DrillScene): Promise<LoadedJobs> {
    const load = await startLoad(scene.platform.kafka, source, scene.flags.rate);
    const jobs = new LoadedJobs(scene, load);
    const flows = (): true | null => (routeNames.every((route) => jobs.flow.endOf(sinkOf(route)) > 0) ? true : null);
    await until(flows, 'events at both sinks');
    return jobs;
  }

  /** By route: no worker of it may be missing. */
  async views(): Promise<Readonly<Record<RouteName, JobView>>> {
    const views = await Promise.all(routeNames.map(async (route) => await this.#scene.platform.job(jobOf(route))));
    return Object.fromEntries(routeNames.map((route, index) => [route, views[index]!])) as Record<RouteName, JobView>;
  }

  /** Of the workers that run, sorted. */
  async pids(): Promise<readonly number[]> {
    return Object.values(await this.views())
      .flatMap(pidsOf)
      .sort((a, b) => a - b);
  }

  async running(): Promise<void> {
    for (const route of routeNames) {
      await this.#scene.platform.phase(jobOf(route), 'Running', 180_000);
      await until(
        async () => (pidsOf(await this.#scene.platform.job(jobOf(route))).length === 2 ? true : null),
        `two workers of ${route}`,
      );
    }
  }

  /** No more load; every event is looked for. */
  async end(): Promise<Readonly<Record<RouteName, LoadVerdict>>> {
    const { signal, tell } = this.#scene;
    await this.#load.stop();
    tell(`${this.#load.acknowledged.count} events acknowledged; waiting for the jobs to catch up`);
    const verdicts: Partial<Record<RouteName, LoadVerdict>> = {};
    for (const route of routeNames) {
      signal.throwIfAborted();
      verdicts[route] = await this.#judge(route);
      tell(`${route}: ${JSON.stringify(verdicts[route])}`);
    }
    return verdicts as Record<RouteName, LoadVerdict>;
  }

  /** In any case, after `end` too. */
  async close(): Promise<void> {
    await this.flow.stop();
    await this.#load.stop().catch(() => {});
  }

  async #judge(route: RouteName): Promise<LoadVerdict> {
    const { platform, signal, tell } = this.#scene;
    const job = jobOf(route);
    const end = await waitForEnd({ platform, job, withinMs: catchUpMs, signal, tell });
    const topics = { source, sink: sinkOf(route), deadLetters: deadLetterTopic('default', job) };
    const acknowledged = this.#load.acknowledged.numbers;
    const verdict = await judge({ broker: platform.kafka, topics, acknowledged, signal, tell: () => {} });
    const { records, vanished, lost, duplicated, disordered } = verdict;
    const balanced = end !== null && agrees(end, verdict);
    const isExact = modes[route] !== 'exactly-once' || (duplicated === 0 && disordered === 0);
    const ok = end !== null && records > 0 && vanished === 0 && lost === 0 && balanced && isExact;
    const events = countBy((await platform.events(job)).map(({ reason }) => reason));
    return { ok, mode: modes[route], records, lost, duplicated, disordered, balanced, events };
  }
}

export const pidsOf = ({ status }: JobView): readonly number[] =>
  status.workers.flatMap(({ pid, state }) => (pid !== null && state === 'running' ? [pid] : []));

function countBy(reasons: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const reason of reasons) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
}
