// Disasters and upgrades tried on a real local platform; one line of JSON tells of each what was measured and whether it held.
// Usage: npm run drills [-- NAME…] [--minutes N] [--jobs N] [--rate EVENTS_PER_SECOND] [--from COMMIT]

import { TestPlatform } from '#test/support/test-platform.ts';
import { toolArguments } from '#test/support/tool-arguments.ts';
import { controlPlaneDown } from './control-plane-down.ts';
import type { Drill, DrillFlags, DrillResult } from './drill.ts';
import { everythingWiped } from './everything-wiped.ts';
import { oldBackup } from './old-backup.ts';
import { upgrade } from './upgrade.ts';

const drills: Readonly<Record<string, Drill>> = {
  'control-plane-down': controlPlaneDown,
  'old-backup': oldBackup,
  'everything-wiped': everythingWiped,
  upgrade,
};

const { values, positionals } = toolArguments(import.meta.filename, {
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '10' },
    rate: { type: 'string', default: '500' },
    jobs: { type: 'string', default: '100' },
    from: { type: 'string', default: 'HEAD~60' },
  },
});
const flags: DrillFlags = {
  minutes: Number(values.minutes),
  rate: Number(values.rate),
  jobs: Number(values.jobs),
  from: values.from,
};
const names = positionals.length > 0 ? positionals : Object.keys(drills);
const tell = (line: string): void => void process.stderr.write(`${new Date().toISOString()} ${line}\n`);

async function main(interrupted: AbortSignal): Promise<boolean> {
  const unknown = names.filter((name) => drills[name] === undefined);
  if (unknown.length > 0)
    throw new Error(`got ${unknown.join(', ')}; expected any of ${Object.keys(drills).join(', ')}`);
  if (!(flags.minutes > 0) || !(flags.rate > 0) || !Number.isInteger(flags.jobs) || flags.jobs < 1)
    throw new Error('expected --minutes and --rate above 0, and a whole number of --jobs above 0');
  let ok = true;
  for (const name of names) {
    const result = await one(name, drills[name]!, interrupted);
    process.stdout.write(`${JSON.stringify({ drill: name, ...result })}\n`);
    ok &&= result.ok;
  }
  return ok;
}

/** A drill that cannot be carried out to its end has failed; the next one is tried all the same. */
async function one(name: string, drill: Drill, interrupted: AbortSignal): Promise<DrillResult> {
  tell(`${name}: starting a platform`);
  const platform = TestPlatform.make();
  const signal = AbortSignal.any([interrupted, AbortSignal.timeout(flags.minutes * 60_000 + drill.besidesMs)]);
  try {
    return await drill.run({ platform, flags, signal, tell: (line) => tell(`${name}: ${line}`) });
  } catch (error) {
    interrupted.throwIfAborted();
    tell(`${name}: ${error instanceof Error ? error.stack : String(error)}`);
    const [first] = String(error).split('\n');
    return { ok: false, why: signal.aborted ? 'it took too long' : first };
  } finally {
    tell(`${name}: stopping the platform`);
    await platform.stop();
  }
}

const interruption = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(name, () => interruption.abort(new Error(`ended by ${name}`)));

main(interruption.signal).then(
  (ok) => process.exit(ok ? 0 : 1),
  (error: unknown) => {
    tell(error instanceof Error ? error.message : String(error));
    process.exit(1);
  },
);
