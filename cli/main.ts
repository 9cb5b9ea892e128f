// The entry of the `millrace` command: switches on the compile cache, which makes up most of a quick `--help`, then runs the program.
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

enableCompileCache(join(import.meta.dirname, '..', '.cache', 'compile'));
const { runProgram } = await import('./program.ts');
await runProgram(process.argv);
