// Control plane and workers are upgraded under load, first one and then the other, and brought back again the same way.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Drill, DrillResult, DrillScene } from './drill.ts';
import { watchActions } from './host-control.ts';
import { jobOf, LoadedJobs, type RouteName, routeDocument, routeNames, sourceDocument } from './loaded-jobs.ts';
import { type VersionName, Versions } from './versions.ts';

/** A sweep and what it may begin. */
const watchMs = 75_000;

/** One makes room before its successor starts, the other after. */
const strategies: Readonly<Record<RouteName, string>> = { plain: 'lower-latency', exact: 'fewer-duplicates' };

export const upgrade: Drill = { besidesMs: 2_400_000, run };

async function run(scene: DrillScene): Promise<DrillResult> {
  const { platform, flags, tell } = scene;
  const versions = await Versions.make(flags.from);
  try {
    tell(`from ${versions.from} to this tree, and back`);
    for (const part of ['control-plane', 'worker'] as const) versions.use('old', part);
    await versions.up(platform);
    const routes = routeNames.map((route) => routeDocument(route, {}, { onRedeploy: strategies[route] }));
    await platform.apply([sourceDocument(), ...routes]);
    const jobs = await LoadedJobs.start(scene);
    try {
      await jobs.running();
      return await drill(scene, jobs, versions);
    } finally {
      await jobs.close();
    }
  } finally {
    versions.remove();
  }
}

async function drill(scene: DrillScene, jobs: LoadedJobs, versions: Versions): Promise<DrillResult> {
  const steps = [];
  for (const to of ['new', 'old'] as const) {
    steps.push(await changeControlPlane(to, scene, jobs, versions));
    steps.push(await changeWorkers(to, scene, jobs, versions));
  }
  const load = await jobs.end();
  const ok = Object.values(load).every((verdict) => verdict.ok) && steps.every((step) => step.ok);
  return { ok, from: versions.from, strategies, steps, load };
}

interface Step {
  /** Control plane: it came back and the jobs run. Workers: not one is of the version before. */
  readonly ok: boolean;
  readonly part: 'control-plane' | 'worker';
  readonly to: VersionName;
  readonly workersReplaced: number;
  readonly standstillMs: Readonly<Record<string, number>>;
  readonly tookMs: number;
  readonly actions: Readonly<Record<string, number>>;
}

/** As a deployment does it: both programs of the version before end in order, those of the other start. */
async function changeControlPlane(
  to: VersionName,
  scene: DrillScene,
  jobs: LoadedJobs,
  versions: Versions,
): Promise<Step> {
  const { platform, signal, tell } = scene;
  const step = await begin(scene, jobs);
  tell(`control plane: ${to}`);
  versions.use(to, 'control-plane');
  for (const part of ['api', 'reconciler'] as const) {
    const pid = platform.pid(part);
    process.kill(pid, 'SIGTERM');
    await platform.restarted(part, pid);
  }
  const tookMs = step.sinceMs();
  // Whether it would do something to what it finds.
  await sleep(watchMs, undefined, { signal });
  await jobs.running();
  return { ...(await step.end()), ok: true, part: 'control-plane', to, tookMs };
}

/** As `docs/operate/upgrade.md` says: the workers of a job are of the new version from its next start on. */
async function changeWorkers(to: VersionName, scene: DrillScene, jobs: LoadedJobs, versions: Versions): Promise<Step> {
  const { platform, tell } = scene;
  const step = await begin(scene, jobs);
  tell(`workers: ${to}`);
  versions.use(to, 'worker');
  for (const route of routeNames)
    await platform.run(['restart', jobOf(route), '--wait', '--timeout', '120s'], { withinMs: 150_000 });
  await jobs.running();
  const figures = await step.end();
  return { ...figures, ok: figures.workersReplaced === step.workers, part: 'worker', to, tookMs: step.sinceMs() };
}

async function begin({ platform }: DrillScene, jobs: LoadedJobs) {
  const began = performance.now();
  const before = await jobs.pids();
  const actions = watchActions(platform);
  jobs.flow.takeLongest();
  return {
    workers: before.length,
    sinceMs: () => Math.round(performance.now() - began),
    end: async () => {
      const after = await jobs.pids();
      return {
        workersReplaced: before.filter((pid) => !after.includes(pid)).length,
        standstillMs: jobs.flow.takeLongest(),
        actions: actions(),
      };
    },
  };
}
