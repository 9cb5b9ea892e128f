// `millrace version`: this program's version, and that of the platform where one answers, with what its parts say.
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { type ApiOptions, addApiOptions, connect } from '#cli/connect.ts';
import { say } from '#cli/terminal.ts';
import type { HealthView } from '#core/api/wire.ts';

/** The API asks its parts for two seconds, and on AWS its function may have to start first. */
const deadlineMs = 10_000;

export const programVersion = (): string =>
  (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version;

export function registerVersion(program: Command): void {
  addApiOptions(
    program
      .command('version')
      .summary('the versions of this program and of the platform, and which of its parts answer'),
  ).action(version);
}

async function version(options: ApiOptions): Promise<void> {
  process.stdout.write(`millrace ${programVersion()} (Node ${process.versions.node})\n`);
  try {
    const api = await connect(options);
    const health = await api.get<HealthView>('/v1/health', { deadlineMs });
    say(`platform ${health.version} at ${api.url}`);
    for (const { name, message } of health.parts) say(`  ${name}: ${message}`);
  } catch {
    process.stdout.write('platform: none reached\n');
  }
}
