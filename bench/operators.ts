// What each operator adds to an event's cost: CPU time over 500-byte events, each chain in a process of its own.
import { spawnSync } from 'node:child_process';
import { loadParser } from '#core/expression/index.ts';
import { Chain } from '#core/operators/run/chain.ts';
import { trialSalts } from '#core/operators/trial-salts.ts';
import { plannedRoute } from '#test/support/run-chain.ts';

const eventCount = 20_000;
const rounds = 9;
const warmUpRounds = 3;
const select = 'id, country, profile, email, tags';

const routes = {
  none: { select },
  where: { select, operators: [{ where: 'seq >= 0' }] },
  mask: { select, operators: [{ hygiene: { email: 'mask' } }] },
  hash: { select, operators: [{ hygiene: { email: 'hash' } }] },
  drop: { select, operators: [{ hygiene: { agent: 'drop' } }] },
  sampleByPosition: { select, operators: [{ sample: { fraction: 1 } }] },
  sampleByKey: { select, operators: [{ sample: { fraction: 1, by: 'country' } }] },
  dedup: { select, operators: [{ dedup: { key: 'id', within: '10m', events: 10_000 } }] },
  explodeInThree: { select: 'id, country, tag', operators: [{ explode: { field: 'tags', as: 'tag' } }] },
} as const;
type Name = keyof typeof routes;

const event = (index: number): string =>
  JSON.stringify({
    id: `evt-${String(index).padStart(12, '0')}-4c1f-9a77`,
    ts: new Date(1_767_225_600_000 + index * 37).toISOString(),
    type: 'play',
    profile: `user-${index % 977}`,
    email: `user-${index % 977}@example.net`,
    country: ['US', 'DE', 'BR', 'JP'][index % 4],
    device: { os: 'ios', model: 'Pixel 9 Pro', version: `17.${index % 10}.1`, screen: '1179x2556' },
    durationMs: 1_000 + (index % 600_000),
    bitrate: 5_800.25,
    live: index % 3 === 0,
    tags: ['autoplay', 'row-3', 'kids'],
    url: 'https://cdn.example.net/v/80012345/segments/000123.m4s?quality=1080p',
    agent: 'Millrace-Player/9.4 (build 20260101)',
    seq: index,
  });

/** Offsets go on from round to round, and ids with them for what compares keys. */
function measure(name: Name): number {
  const { operators, programs, problems } = plannedRoute(routes[name]);
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  const chain = new Chain(operators, programs.get('out')!, trialSalts(operators));
  const memory = chain.createMemory();
  const events = Array.from({ length: eventCount }, (_, index) => new TextEncoder().encode(event(index)));
  const nanos: number[] = [];
  for (let round = 0; round < rounds + warmUpRounds; round++) {
    const before = process.cpuUsage();
    for (const [index, bytes] of events.entries()) {
      const offset = round * eventCount + index;
      chain.process(bytes, 0, bytes.length, { partition: 0, offset, timestamp: offset, memory });
    }
    const { user, system } = process.cpuUsage(before);
    if (round >= warmUpRounds) nanos.push(((user + system) * 1_000) / eventCount);
  }
  return Math.round(nanos.sort((left, right) => left - right)[Math.floor(nanos.length / 2)]!);
}

await loadParser();
const only = process.argv[2] as Name | undefined;
if (only !== undefined) process.stdout.write(String(measure(only)));
else {
  const names = Object.keys(routes) as Name[];
  const run = (name: Name): number => {
    const child = spawnSync(process.execPath, ['--no-warnings', import.meta.filename, name], { encoding: 'utf8' });
    if (child.status !== 0) throw new Error(child.stderr);
    return Number(child.stdout);
  };
  const passes = Array.from({ length: 3 }, () => names.map(run));
  const nanosPerEvent = Object.fromEntries(
    names.map((name, index) => [name, passes.map((pass) => pass[index]!).sort((left, right) => left - right)[1]!]),
  );
  for (const name of names) process.stderr.write(`${name.padEnd(18)} ${nanosPerEvent[name]} ns CPU an event\n`);
  const eventBytes = new TextEncoder().encode(event(0)).length;
  process.stdout.write(
    `${JSON.stringify({ ok: true, nanosPerEvent, eventBytes, eventCount, node: process.version })}\n`,
  );
}
