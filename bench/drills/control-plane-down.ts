// API, reconciler and goal store are gone for minutes, under load: no worker ends, nothing is lost, and nothing needs doing afterwards.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Drill, DrillResult, DrillScene } from './drill.ts';
import { allOver, isOver, takeAway, watchActions } from './host-control.ts';
import { LoadedJobs, routeDocument, routeNames, sourceDocument } from './loaded-jobs.ts';

const parts = ['api', 'reconciler', 'postgres'] as const;
/** Long enough for every sweep and every lease to come round. */
const settleMs = 90_000;
const tellEveryMs = 30_000;

export const controlPlaneDown: Drill = { besidesMs: 1_200_000, run };

async function run(scene: DrillScene): Promise<DrillResult> {
  const { platform } = scene;
  await platform.up();
  await platform.apply([sourceDocument(), ...routeNames.map((route) => routeDocument(route))]);
  const jobs = await LoadedJobs.start(scene);
  try {
    await jobs.running();
    return await drill(scene, jobs);
  } finally {
    await jobs.close();
  }
}

async function drill(scene: DrillScene, jobs: LoadedJobs): Promise<DrillResult> {
  const { platform, flags, signal, tell } = scene;
  const before = await jobs.pids();
  jobs.flow.takeLongest();
  const actions = watchActions(platform);
  const pids = parts.map((part) => platform.pid(part));
  const giveBack = takeAway(platform, parts);
  tell(`${parts.join(', ')} are gone; ${before.length} workers run`);
  let workersEnded: number;
  let standstillDownMs: Readonly<Record<string, number>>;
  try {
    await allOver(pids);
    workersEnded = await watchWorkers(before, flags.minutes * 60_000, scene);
    standstillDownMs = jobs.flow.takeLongest();
  } finally {
    tell('they come back');
    await giveBack();
  }
  const backMs = performance.now();
  await jobs.running();
  const settledAfterMs = Math.round(performance.now() - backMs);
  await sleep(settleMs, undefined, { signal });
  const actionsAfter = actions();
  const standstillAfterMs = jobs.flow.takeLongest();
  const after = await jobs.pids();
  const sameWorkers = before.length === 4 && String(before) === String(after);
  const load = await jobs.end();
  const isCalm = Object.keys(actionsAfter).length === 0;
  // Nobody died, so nothing has a reason to come twice, in either mode.
  const isWhole = Object.values(load).every(({ ok, duplicated }) => ok && duplicated === 0);
  const figures = { standstillDownMs, settledAfterMs, standstillAfterMs, actionsAfter, workersEnded, sameWorkers };
  return { ok: isWhole && isCalm && sameWorkers && workersEnded === 0, minutes: flags.minutes, ...figures, load };
}

/** How many ended meanwhile. */
async function watchWorkers(pids: readonly number[], forMs: number, { signal, tell }: DrillScene): Promise<number> {
  const began = performance.now();
  let toldMs = began;
  const ended = (): number => pids.filter(isOver).length;
  while (performance.now() - began < forMs) {
    await sleep(1_000, undefined, { signal });
    if (performance.now() - toldMs < tellEveryMs) continue;
    toldMs = performance.now();
    tell(`gone for ${Math.round((toldMs - began) / 1_000)} s; ${ended()} of ${pids.length} workers have ended`);
  }
  return ended();
}
