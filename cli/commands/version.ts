// `millrace version`: this program's version, and that of the platform where one answers.
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { type ApiOptions, addApiOptions, connect } from '#cli/connect.ts';
import type { HealthView } from '#core/api/wire.ts';

export const programVersion = (): string =>
  (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version;

export function registerVersion(program: Command): void {
  addApiOptions(program.command('version').summary('the versions of this program and of the platform')).action(version);
}

async function version(options: ApiOptions): Promise<void> {
  process.stdout.write(`millrace ${programVersion()} (Node ${process.versions.node})\n`);
  try {
    const api = await connect(options);
    const health = await api.get<HealthView>('/v1/health', { deadlineMs: 3_000 });
    process.stdout.write(`platform ${health.version} at ${api.url}\n`);
  } catch {
    process.stdout.write('platform: none reached\n');
  }
}
