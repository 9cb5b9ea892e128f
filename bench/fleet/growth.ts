// How a pass grows with the fleet: CPU and memory of passes over a settled fleet, and of one that ends a part of it, size by size.
// Usage: npm run bench:fleet-growth [-- --sizes 100,1000,10000,100000] [--tenants N]
// One line of JSON on standard output, progress on standard error; exit code 0 if a pass grows linearly or better.

import { execFileSync } from 'node:child_process';
import { loadParser } from '#core/expression/index.ts';
import { toolArguments } from '#test/support/tool-arguments.ts';
import { Fleet } from './fleet.ts';

const { values } = toolArguments(import.meta.filename, {
  options: {
    sizes: { type: 'string', default: '100,1000,10000,100000' },
    tenants: { type: 'string', default: '10' },
    of: { type: 'string' },
  },
});
const tenants = Number(values.tenants);
const mib = 1024 * 1024;

interface Growth {
  readonly jobs: number;
  /** Of a pass that finds nothing to do. */
  readonly steadyCpuMs: number;
  /** Of the pass that begins to end a twentieth of the jobs, and of the one that finds them ended. */
  readonly endingCpuMs: number;
  readonly heapMiB: number;
  readonly rssMiB: number;
}

function cpuMs(since?: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1_000;
}

async function passCpuMs(fleet: Fleet, passes: number): Promise<number> {
  const before = process.cpuUsage();
  for (let pass = 0; pass < passes; pass++) {
    await fleet.pass();
    await fleet.time.runUntil(fleet.time.now + 60_000);
  }
  return Math.round(cpuMs(before) / passes);
}

/** Starts cost no time here: how long a cold start takes by quota is another bench's question. */
async function measure(jobs: number): Promise<Growth> {
  await loadParser();
  const fleet = new Fleet(jobs, { isUnpaced: true });
  for (let index = 0; index < jobs; index++) {
    const tenant = `t${index % tenants}`;
    const stream = `${tenant}-s${Math.floor(index / tenants) % 10}`;
    await fleet.declare(tenant, stream, `${tenant}-r${index}`, `x > ${index % 7}`);
  }
  await fleet.settle(3_600);
  await fleet.time.runUntil(fleet.time.now + 180_000);
  await fleet.settle(3_600);
  const running = fleet.runtime.running().length;
  if (running !== jobs) throw new Error(`${running} of ${jobs} jobs run`);
  const steadyCpuMs = await passCpuMs(fleet, jobs > 10_000 ? 2 : 5);
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  for (let index = 0; index < jobs; index += 20)
    await fleet.end(`t${index % tenants}`, `t${index % tenants}-r${index}`);
  const endingCpuMs = await passCpuMs(fleet, 2);
  return { jobs, steadyCpuMs, endingCpuMs, heapMiB: Math.round(heapUsed / mib), rssMiB: Math.round(rss / mib) };
}

/** Each size in a process of its own: none inherits the memory of another. */
function measureApart(jobs: string): Growth {
  const self = import.meta.filename;
  const flags = ['--no-warnings', '--expose-gc', '--max-old-space-size=6144'];
  const out = execFileSync(process.execPath, [...flags, self, '--of', jobs, '--tenants', values.tenants], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const growth = JSON.parse(out.toString()) as Growth;
  console.error(`${jobs} jobs: ${JSON.stringify(growth)}`);
  return growth;
}

/** Of the cost a job, from a fleet of a thousand on: below that, what every pass costs weighs more. */
const timesMax = 2;

if (values.of === undefined) {
  const sizes = values.sizes.split(',').map(measureApart);
  const large = sizes.filter(({ jobs }) => jobs >= 1_000);
  const growthOf = (cost: (growth: Growth) => number): number => {
    const each = large.map((growth) => cost(growth) / growth.jobs);
    return Number((each.at(-1)! / each[0]!).toFixed(2));
  };
  const perJob = {
    steady: growthOf(({ steadyCpuMs }) => steadyCpuMs),
    ending: growthOf(({ endingCpuMs }) => endingCpuMs),
    heap: growthOf(({ heapMiB }) => heapMiB),
  };
  const ok = Object.values(perJob).every((times) => times <= timesMax);
  console.log(JSON.stringify({ tenants, sizes, perJobFromSmallestToLargest: perJob, ok }));
  process.exitCode = ok ? 0 : 1;
} else console.log(JSON.stringify(await measure(Number(values.of))));
