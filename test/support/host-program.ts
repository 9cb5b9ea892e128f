// The host with stand-ins for the platform's own programs, as a process that tests may kill. Argument: the data folder.
import { join } from 'node:path';
import { LocalPlatform, platformPrograms } from '#adapters/local/host.ts';
import { messageOf } from '#core/errors.ts';

const standIn = join(import.meta.dirname, 'stand-in-program.mjs');
const platform = new LocalPlatform({
  dataDir: process.argv[2] ?? '',
  programs: platformPrograms.map((program) =>
    program.name === 'supervisor' ? program : { ...program, entry: standIn },
  ),
  tell: (line) => process.stdout.write(`${line}\n`),
});
process.on('SIGTERM', () => {
  platform.stop().then(
    () => process.exit(0),
    () => process.exit(1),
  );
});
try {
  await platform.start();
  process.stdout.write('ready\n');
} catch (error) {
  process.stdout.write(`${messageOf(error)}\n`);
  process.exit(1);
}
