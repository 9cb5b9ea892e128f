// Finds the API: the one named, the one in the environment, or the platform on this machine.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type ApiClient, createApiClient } from '#cli/api-client.ts';
import { CommandError, exitCodes } from '#cli/exit.ts';
import { environment } from '#core/names.ts';

export interface ApiOptions {
  readonly api?: string;
  readonly data?: string;
}

/** The options of every command that talks to the API. */
export const addApiOptions = (command: Command): Command =>
  command
    .option('--api <url>', `the API's address (else ${environment.apiUrl}, else the platform on this machine)`)
    .option('--data <dir>', `the local platform's data folder (else ${environment.dataDir}, else .millrace)`);

/** A variable that is empty is not set; an empty option is a script's mistake, and does not mean the folder at hand. */
export function dataDirOf(options: ApiOptions): string {
  if (options.data === '') throw new CommandError(exitCodes.usage, '--data: got an empty path, expected a folder');
  return resolve(options.data ?? (process.env[environment.dataDir] || '.millrace'));
}

export async function connect(options: ApiOptions): Promise<ApiClient> {
  if (options.api !== undefined) return createApiClient(checkUrl(options.api, '--api'), 'from --api');
  const set = process.env[environment.apiUrl];
  if (set) return createApiClient(checkUrl(set, environment.apiUrl), `from ${environment.apiUrl}`);
  const dataDir = dataDirOf(options);
  const { isRunning, readPlatformFile } = await import('#adapters/local/platform-file.ts');
  const platform = readPlatformFile(dataDir);
  const state = platform?.state ?? null;
  if (isRunning(platform)) return createApiClient(platform.apiUrl, `the platform in ${dataDir}, ${platform.state}`);
  throw new CommandError(exitCodes.failure, notRunning(state, dataDir), { fix: startFix });
}

const startFix = `millrace up             starts it on this machine\n${environment.apiUrl}=https://…  names another platform`;

function notRunning(state: string | null, dataDir: string): string {
  if (state === null) return `no platform has been started in ${dataDir}`;
  return state === 'stopped'
    ? `the platform in ${dataDir} is stopped`
    : `the platform in ${dataDir} does not run: its host was killed`;
}

function checkUrl(text: string, source: string): string {
  if (URL.canParse(text) && /^https?:/.test(text)) return text;
  throw new CommandError(
    exitCodes.usage,
    `${source}: got ${JSON.stringify(text)}, expected a URL such as http://127.0.0.1:8080`,
  );
}
