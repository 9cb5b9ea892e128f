// How the control loop does with thousands of jobs, in virtual time under ECS's quotas. Usage: npm run bench:fleet [-- --jobs N] [--tenants N]
// One line of JSON on standard output, progress on standard error; exit code 0 if the promises hold.

import { loadParser } from '#core/expression/index.ts';
import { taskTags } from '#core/names.ts';
import { ecsRates } from '#functions/reconcile/call-rates.ts';
import { toolArguments } from '#test/support/tool-arguments.ts';
import { Fleet } from './fleet.ts';

const { values } = toolArguments(import.meta.filename, {
  options: { jobs: { type: 'string', default: '10000' }, tenants: { type: 'string', default: '10' } },
});
const jobs = Number(values.jobs);
const tenants = Number(values.tenants);
const tell = (line: string): void => console.error(line);
const cpuMs = (since?: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(since);
  return Math.round((user + system) / 1_000);
};

await loadParser();
const fleet = new Fleet(jobs);
for (let index = 0; index < jobs; index++) {
  const tenant = `t${index % tenants}`;
  await fleet.declare(
    tenant,
    `${tenant}-s${Math.floor(index / tenants) % 10}`,
    `${tenant}-r${index}`,
    `x > ${index % 7}`,
  );
}
const quotaBoundSeconds = Math.ceil(jobs / ecsRates['run-task'].perSecond);
tell(`${jobs} jobs of ${tenants} tenants declared; cold start, at least ${quotaBoundSeconds} s by quota`);

const coldVirtualSeconds = Math.round(await fleet.settle(20 * quotaBoundSeconds + 600));
const running = fleet.runtime.running().length;
const throttled = fleet.runtime.throttled;
tell(`${running} tasks run after ${coldVirtualSeconds} s of virtual time, ${throttled} calls throttled`);

// Steady: passes over a fleet as it should be, and of whose last starts nothing is left to remember (that its revision is a good one).
await fleet.time.runUntil(fleet.time.now + 180_000);
await fleet.settle(600);
Object.assign(fleet, { mutations: 0, reads: 0 });
fleet.runtime.reads = 0;
const passes = 3;
const before = process.cpuUsage();
for (let pass = 0; pass < passes; pass++) {
  await fleet.pass();
  await fleet.time.runUntil(fleet.time.now + 60_000);
}
const steadyPassCpuMs = Math.round(cpuMs(before) / passes);
const steadyMutations = fleet.mutations;
const steadyReads = Math.round((fleet.reads + fleet.runtime.reads) / passes);
tell(`steady pass: ${steadyPassCpuMs} ms of CPU, ${steadyMutations} mutations, ${steadyReads} reads`);

// One job is changed alone; then, with one tenant changing all it has, another changes one job right behind it.
const isOnRevision = (revision: string): boolean =>
  fleet.runtime.running().some(({ job, tags }) => /t1-r1\./.test(job) && tags[taskTags.revision] === revision);
await fleet.declare('t1', 't1-s0', 't1-r1', 'x > 199');
const passesAlone = await passesUntil(() => isOnRevision('2'));
await fleet.settle(600);
const storm = Math.ceil(jobs / tenants);
for (let index = 0; index < storm; index++)
  await fleet.declare('t0', `t0-s${index % 10}`, `t0-r${index * tenants}`, `x > ${100 + (index % 7)}`);
await fleet.declare('t1', 't1-s0', 't1-r1', 'x > 200');
const passesBesideStorm = await passesUntil(() => isOnRevision('3'));
tell(
  `one job's change takes ${passesAlone} passes alone, ${passesBesideStorm} beside ${storm} changes of another tenant`,
);

async function passesUntil(isDone: () => boolean): Promise<number> {
  for (let pass = 1; pass <= 200; pass++) {
    const report = await fleet.pass();
    if (isDone()) return pass;
    const waitMs = Math.min(60_000, Math.max(1_000, (report.nextPassAt ?? 0) - fleet.time.now));
    await fleet.time.runUntil(fleet.time.now + waitMs);
    if (isDone()) return pass;
  }
  return Number.POSITIVE_INFINITY;
}
await fleet.settle(20 * quotaBoundSeconds);

// An hour without the runtime's API, while a tenth of the tasks dies.
for (const { taskId } of fleet.runtime.running().slice(0, Math.ceil(jobs / 10))) fleet.runtime.kill(taskId);
fleet.runtime.isDown = true;
for (let minute = 0; minute < 60; minute += 5) {
  await fleet.pass();
  await fleet.time.runUntil(fleet.time.now + 300_000);
}
fleet.runtime.isDown = false;
const throttledBefore = fleet.runtime.throttled;
const afterOutageSeconds = Math.round(await fleet.settle(20 * quotaBoundSeconds + 600));
const throttledAfterOutage = fleet.runtime.throttled - throttledBefore;
tell(
  `after an hour's outage: as declared again after ${afterOutageSeconds} s, ${throttledAfterOutage} calls throttled`,
);

const ok =
  running === jobs &&
  coldVirtualSeconds <= Math.max(1.2 * quotaBoundSeconds, quotaBoundSeconds + 120) &&
  throttled === 0 &&
  throttledAfterOutage === 0 &&
  passesBesideStorm <= passesAlone + 2 &&
  steadyMutations === 0 &&
  steadyPassCpuMs <= Math.max(1_000, jobs) &&
  steadyReads <= 300 * Math.max(1, jobs / 10_000);
const rssMiB = Math.round(process.memoryUsage.rss() / 1024 / 1024);
console.log(
  JSON.stringify({
    ...{
      jobs,
      tenants,
      coldVirtualSeconds,
      quotaBoundSeconds,
      throttled,
      steadyPassCpuMs,
      steadyMutations,
      steadyReads,
    },
    ...{ passesAlone, passesBesideStorm, afterOutageSeconds, throttledAfterOutage, rssMiB, ok },
  }),
);
process.exitCode = ok ? 0 : 1;
