// One of the platform's own programs as a part: Node on a TypeScript file, ready when its health request is answered.
import { compileCacheOf } from '../compile-cache.ts';
import { plainEnv } from '../java.ts';
import type { Part } from '../part.ts';
import { loopback } from '../ports.ts';

export interface ProgramPartOptions {
  readonly name: string;
  readonly entry: string;
  readonly port: number;
  readonly healthPath: string;
  readonly heapMiB: number;
  readonly env: Readonly<Record<string, string>>;
}

const healthWithinMs = 5_000;

export function programPart({ name, entry, port, healthPath, heapMiB, env }: ProgramPartOptions): Part {
  const endpoint = `http://${loopback}:${port}`;
  return {
    name,
    command: process.execPath,
    args: [
      `--title=millrace-${name}`,
      `--max-old-space-size=${heapMiB}`,
      '--disable-warning=ExperimentalWarning',
      entry,
    ],
    env: { ...plainEnv(), NODE_COMPILE_CACHE: compileCacheOf(entry), ...env },
    endpoint,
    probe: () => probeHttp(`${endpoint}${healthPath}`),
    readyWithinMs: 60_000,
    startsMax: 3,
    stopSignal: 'SIGTERM',
    stopWithinMs: 10_000,
  };
}

export async function probeHttp(url: string): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(healthWithinMs) });
  const body = await response.text();
  if (!response.ok) throw new Error(`GET ${url} was answered with ${response.status}: ${body.slice(0, 200)}`);
}
