// docs/reference/cli.md says what the commands say.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { buildProgram } from '#cli/program.ts';
import { cliReference } from '#cli/reference.ts';

test('the reference is fresh (else: node cli/reference.ts --write)', () => {
  const written = readFileSync(join(import.meta.dirname, '../../docs/reference/cli.md'), 'utf8');
  expect(written).toBe(cliReference(buildProgram()));
});

test('every command has a summary, and every option and argument is explained', () => {
  const commands = buildProgram().commands.flatMap((command) => [command, ...command.commands]);
  for (const command of commands) {
    expect({ command: command.name(), summary: command.summary() }).toMatchObject({
      summary: expect.stringMatching(/\w/),
    });
    for (const option of command.options) expect(option.description).toMatch(/\w/);
  }
});
