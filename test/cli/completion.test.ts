// `millrace completion`: scripts that their shells take, and that know the commands.
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { runCli } from './run-cli.ts';

const bash = (script: string): string => {
  const ran = spawnSync('bash', ['--noprofile', '--norc'], { input: script, encoding: 'utf8' });
  return ran.stdout + ran.stderr;
};

describe('completion', () => {
  test.each([
    ['a command', ['millrace', 'appl'], 'apply'],
    ['a kind', ['millrace', 'get', 'ro'], 'routes'],
    ['an option', ['millrace', 'tail', '--wh'], '--where'],
    ['an option’s value', ['millrace', 'get', 'jobs', '-o', 'js'], 'json'],
    ['a command of a group', ['millrace', 'dlq', 's'], 'show'],
  ])('bash completes %s', async (_, words, completed) => {
    const { stdout, code } = await runCli(['completion', 'bash']);
    expect(code).toBe(0);
    const line = words.map((word) => `'${word}'`).join(' ');
    expect(
      bash(
        `${stdout}\nCOMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; _millrace; echo "\${COMPREPLY[@]}"`,
      ).trim(),
    ).toBe(completed);
  });

  test('another shell is refused with those there are', async () => {
    const { stderr, code } = await runCli(['completion', 'tcsh']);
    expect(stderr).toContain('Allowed choices are bash, zsh, fish');
    expect(code).toBe(2);
  });

  test.each(['zsh', 'fish'])('%s knows every command, and nothing in a summary ends its quotes', async (shell) => {
    const { stdout } = await runCli(['completion', shell]);
    expect(stdout).toContain('apply');
    for (const line of stdout.split('\n')) expect((line.match(/'/g) ?? []).length % 2).toBe(0);
  });
});
