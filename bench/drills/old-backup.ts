// The goal store is restored from a backup that lacks what was declared and carried out since: nothing may be downgraded by it.
import { setTimeout as sleep } from 'node:timers/promises';
import { createBrokerAdmin } from '#adapters/kafka/broker-admin.ts';
import type { FreezeView, JobView, PageView } from '#core/api/wire.ts';
import { aDeclaration } from '#test/support/documents.ts';
import type { TestPlatform } from '#test/support/test-platform.ts';
import { until } from '#test/support/until.ts';
import { backUp, restore } from './backup.ts';
import type { Drill, DrillResult, DrillScene } from './drill.ts';
import { watchActions } from './host-control.ts';
import { jobOf, LoadedJobs, pidsOf, routeDocument, routeNames, source, sourceDocument } from './loaded-jobs.ts';

/** A sweep, and what it might begin. */
const watchMs = 75_000;
const hourMs = 3_600_000;

const smallRoute = (name: string): object =>
  aDeclaration('Route', name, { from: source, to: [{ name: 'out', stream: `${name}-out` }] });
const documentsBefore = [
  sourceDocument({ retention: '1d' }),
  ...routeNames.map((route) => routeDocument(route)),
  smallRoute('gone'),
];
/** What is declared after the backup. It lets the same events through. */
const documentsAfter = [
  sourceDocument({ retention: '2d' }),
  routeDocument('exact', { where: "parity = 'even' AND parity <> 'odd'" }),
  smallRoute('newer'),
];

export const oldBackup: Drill = { besidesMs: 1_800_000, run };

async function run(scene: DrillScene): Promise<DrillResult> {
  const { platform, tell } = scene;
  await platform.up();
  await platform.apply(documentsBefore);
  const jobs = await LoadedJobs.start(scene);
  try {
    await jobs.running();
    const backup = await backUp(platform);
    tell('backed up; a route and a stream change, a route goes, another one comes');
    await platform.apply(documentsAfter);
    await platform.run(['delete', 'route', 'gone', '--yes', '--now']);
    await jobs.running();
    await running(platform, 'newer.out');
    return await drill(scene, jobs, backup);
  } finally {
    await jobs.close();
  }
}

async function drill(scene: DrillScene, jobs: LoadedJobs, backup: string): Promise<DrillResult> {
  const { platform, signal, tell } = scene;
  const before = await seen(platform, jobs);
  jobs.flow.takeLongest();
  const actions = watchActions(platform);
  await restore(platform, backup);
  const backMs = performance.now();
  tell('the goal store is as it was; waiting for somebody to notice');
  await until(async () => ((await freezesOf(platform)).includes('fleet by reconciler') ? true : null), 'a freeze');
  const noticedAfterMs = Math.round(performance.now() - backMs);
  await sleep(watchMs, undefined, { signal });
  const standstillMs = jobs.flow.takeLongest();
  const untouched = String(before) === String(await seen(platform, jobs));
  const actionsAfter = actions();
  const alarms = await alarmsOf(platform);
  const replacement = await killOne(platform, tell);
  const after = await goOn(scene, jobs);
  const load = await jobs.end();
  const isWhole = Object.values(load).every(({ ok }) => ok);
  const isAlarmed = alarms.phase === 'Failed' && alarms.wentBack === 1;
  const isLeftAlone = untouched && Object.keys(actionsAfter).length === 0;
  const ok = isWhole && isAlarmed && isLeftAlone && replacement.revision === 2 && after.ok;
  return { ok, noticedAfterMs, untouched, actionsAfter, alarms, replacement, standstillMs, after, load };
}

/** What must be the same afterwards: who runs, and how long events are kept. */
async function seen(platform: TestPlatform, jobs: LoadedJobs): Promise<readonly unknown[]> {
  return [await jobs.pids(), await retentionMs(platform)];
}

async function retentionMs(platform: TestPlatform): Promise<number> {
  const admin = createBrokerAdmin({ brokers: [platform.kafka], clientId: 'drill', callMs: 30_000 });
  try {
    const [topic] = await admin.describe([source], ['retention.ms']);
    return Number(topic?.config['retention.ms']);
  } finally {
    await admin.close();
  }
}

/** Who has frozen what; none while the API cannot tell. */
async function freezesOf(platform: TestPlatform): Promise<readonly string[]> {
  const page = await platform.get<PageView<FreezeView>>('/v1/freezes').catch(() => null);
  return (page?.items ?? []).map(({ scope, author }) => `${scope} by ${author}`);
}

async function alarmsOf(platform: TestPlatform): Promise<{ readonly phase: string; readonly wentBack: number }> {
  const { status } = await platform.job(jobOf('exact'));
  const events = await platform.events(jobOf('exact'));
  return { phase: status.phase, wentBack: events.filter(({ reason }) => reason === 'GoalWentBack').length };
}

/** A worker of the job whose revision went back dies: another one of what ran has to take its place. */
async function killOne(platform: TestPlatform, tell: (line: string) => void) {
  const job = jobOf('exact');
  const before = pidsOf(await platform.job(job));
  tell(`kill -9 of a worker of ${job}`);
  const began = performance.now();
  process.kill(before[0]!, 'SIGKILL');
  const isReplaced = (view: JobView): boolean =>
    pidsOf(view).length === 2 && !pidsOf(view).includes(before[0]!) && pidsOf(view).includes(before[1]!);
  const { status } = await until(async () => {
    const view = await platform.job(job);
    return isReplaced(view) ? view : null;
  }, 'its replacement');
  return { revision: status.runningRevision, afterMs: Math.round(performance.now() - began) };
}

/** As docs/operate/backup.md says. */
async function goOn({ platform, tell }: DrillScene, jobs: LoadedJobs) {
  tell('what was declared since the backup is declared again, and the fleet goes on');
  await platform.apply(documentsAfter, []);
  await platform.run(['delete', 'route', 'gone', '--yes', '--now']);
  await platform.run(['unfreeze', 'fleet']);
  await jobs.running();
  await running(platform, 'newer.out');
  const { status } = await platform.job(jobOf('exact'));
  const retention = await retentionMs(platform);
  return {
    ok: status.phase === 'Running' && retention === 48 * hourMs,
    phase: status.phase,
    retentionHours: retention / hourMs,
  };
}

const running = (platform: TestPlatform, job: string): Promise<void> => platform.phase(job, 'Running', 180_000);
