// `millrace secret`: what sinks show to others, kept on this machine under names that declarations use.
import { buffer } from 'node:stream/consumers';
import type { Command } from 'commander';
import type { SecretFiles } from '#adapters/local/secret-files.ts';
import { dataDirOf } from '#cli/connect.ts';
import { CommandError, exitCodes } from '#cli/exit.ts';
import { note } from '#cli/terminal.ts';
import { environment } from '#core/names.ts';
import { namePattern } from '#core/spec/declared-name.ts';

interface SecretOptions {
  readonly data?: string;
}

/** On one machine there is one. */
const tenant = 'default';
const secretBytesMax = 64 * 1024;

export function registerSecret(program: Command): void {
  const group = program.command('secret').summary('secrets of the platform on this machine, by name');
  const withData = (command: Command): Command =>
    command.option('--data <dir>', `the local platform's data folder (else ${environment.dataDir}, else .millrace)`);
  withData(
    group
      .command('set')
      .summary('keep a secret, read from stdin')
      .description(
        'Reads a secret from stdin and keeps it under a name that a sink’s `auth: { secret: <name> }` uses. Only workers read it. Setting it anew replaces it: a sink that is refused reads it again.',
      )
      .argument('<name>', 'lower-case letters, digits and hyphens'),
  ).action(set);
  withData(
    group.command('ls').summary('the names of the secrets').description('Lists names, never what is kept under them.'),
  ).action(list);
  withData(
    group
      .command('rm')
      .summary('forget a secret')
      .description(
        'Forgets a secret. Sinks that use it go on with what they read until they are refused or start anew.',
      )
      .argument('<name>', 'its name'),
  ).action(remove);
}

async function open(options: SecretOptions): Promise<SecretFiles> {
  const { secretFiles } = await import('#adapters/local/secret-files.ts');
  const { placesIn } = await import('#adapters/local/platform-file.ts');
  return secretFiles(placesIn(dataDirOf(options)).secrets);
}

function checkName(name: string): void {
  if (name.length <= 40 && namePattern.test(name)) return;
  throw new CommandError(
    exitCodes.usage,
    `got ${JSON.stringify(name)}, expected a name of lower-case letters, digits and single hyphens, at most 40 characters`,
  );
}

async function set(name: string, options: SecretOptions): Promise<void> {
  checkName(name);
  if (process.stdin.isTTY) note('type or paste the secret, then Enter and Ctrl-D');
  const bytes = await buffer(process.stdin);
  const text = bytes.toString().replace(/\r?\n$/, '');
  if (text === '' || bytes.length > secretBytesMax)
    throw new CommandError(
      exitCodes.usage,
      text === ''
        ? 'got nothing on stdin, expected the secret'
        : `got ${bytes.length} bytes, expected at most ${secretBytesMax}`,
      { fix: `printf %s "$SECRET" | millrace secret set ${name}` },
    );
  await (await open(options)).set(tenant, name, text);
  note(`secret ${name} is set`);
}

async function list(options: SecretOptions): Promise<void> {
  for (const name of await (await open(options)).list(tenant)) process.stdout.write(`${name}\n`);
}

async function remove(name: string, options: SecretOptions): Promise<void> {
  checkName(name);
  if (await (await open(options)).remove(tenant, name)) return note(`secret ${name} is gone`);
  throw new CommandError(exitCodes.failure, `there is no secret ${JSON.stringify(name)}`);
}
