// Starts the limit's program, from one bundled file as our worker is.
import { type ChildProcess, spawn } from 'node:child_process';
import { bundleToFile } from '#adapters/local/bundle-worker.ts';
import { compileCacheOf } from '#adapters/local/compile-cache.ts';

export async function prepareLimit(
  broker: string,
  source: string,
  sink: string,
  readyOutput: string,
  pin: readonly string[],
  nodeFlags: readonly string[],
): Promise<() => ChildProcess> {
  const entry = await bundleToFile('bench/routing/limit-route.ts');
  const command = [...pin, process.execPath, ...nodeFlags, entry, broker, source, sink, readyOutput];
  const env = { ...process.env, NODE_COMPILE_CACHE: compileCacheOf(entry) };
  return () => spawn(command[0]!, command.slice(1), { env, stdio: ['ignore', 2, 2] });
}
