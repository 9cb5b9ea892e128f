// The host of a platform whose control plane runs whatever version a link points at. Arguments: the data folder, and the link.
import { join } from 'node:path';
import { LocalPlatform, platformPrograms } from '#adapters/local/host.ts';
import { messageOf } from '#core/errors.ts';

const [dataDir = '', link = ''] = process.argv.slice(2);
const entries: Readonly<Record<string, string>> = {
  api: join(link, 'functions/serve.ts'),
  reconciler: join(link, 'functions/reconcile/local-main.ts'),
};
const programs = platformPrograms.map((program) => ({ ...program, entry: entries[program.name] ?? program.entry }));
const tell = (line: string): void => void process.stderr.write(`${new Date().toISOString()} ${line}\n`);
const platform = new LocalPlatform({ dataDir, programs, tell });

process.once('SIGTERM', () => void platform.stop().then(() => process.exit(0)));
platform.start().catch((error: unknown) => {
  tell(messageOf(error));
  process.exit(1);
});
