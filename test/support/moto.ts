// A moto server of one's own: a counterpart of AWS over HTTP, from PyPI, installed once beside the other things that are fetched.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { freePorts } from '#adapters/local/ports.ts';
import { ensurePython, type Python } from '#test/deploy/python.ts';
import { until } from '#test/support/until.ts';

export interface Moto extends AsyncDisposable {
  readonly url: string;
}

/** What a client of a test is given, so that it looks for no credentials of its own. */
export const motoAccess = {
  region: 'us-east-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
} as const;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

export interface MotoOptions {
  /** Where what it runs itself finds other services, on this machine: its own address where not given. */
  readonly servicesPort?: number;
}

/** Null where there is no Python to run it. */
export async function ownMoto(options?: MotoOptions): Promise<Moto | null> {
  const python = await ensurePython('counterparts', say);
  return python === null ? null : await startMoto(python, options);
}

export async function startMoto(python: Python, { servicesPort }: MotoOptions = {}): Promise<Moto> {
  const [port = 0] = await freePorts(1);
  const child = spawn(python.program('moto_server'), ['-H', '127.0.0.1', '-p', String(port)], {
    stdio: 'ignore',
    ...(servicesPort === undefined ? {} : { env: { ...process.env, MOTO_PORT: String(servicesPort) } }),
  });
  const url = `http://127.0.0.1:${port}`;
  const end = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  };
  try {
    await until(async () => (await fetch(`${url}/moto-api/`).catch(() => null))?.ok || null, 'moto to answer', 60_000);
  } catch (error) {
    await end();
    throw error;
  }
  return { url, [Symbol.asyncDispose]: end };
}
