// A part's process from its start on, where the start does not go well at once.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type Part, type PartEvent, RunningPart } from '#adapters/local/part.ts';
import { programPart } from '#adapters/local/parts/program.ts';
import { freePorts } from '#adapters/local/ports.ts';
import { identify } from '#adapters/local/process-identity.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-part-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Ends with code 3 as long as fewer than so many starts were noted before it; then answers. */
async function aProgram(
  failures: number,
  more: Partial<Part> = {},
): Promise<{ readonly part: RunningPart; readonly told: readonly PartEvent[] }> {
  const [port = 0] = await freePorts(1);
  const entry = join(folder, 'program.mjs');
  const text = `
    import { appendFileSync, readFileSync } from 'node:fs';
    import { createServer } from 'node:http';
    const notes = ${JSON.stringify(join(folder, 'starts'))};
    appendFileSync(notes, '.');
    if (readFileSync(notes, 'utf8').length <= ${failures}) process.exit(3);
    createServer((request, response) => response.end('ok')).listen(${port}, '127.0.0.1');`;
  writeFileSync(entry, text);
  const told: PartEvent[] = [];
  const program = { ...programPart({ name: 'program', entry, port, healthPath: '/', heapMiB: 32, env: {} }), ...more };
  const places = { logs: join(folder, 'logs'), run: join(folder, 'run') };
  return { part: new RunningPart(program, places, { restart: false, tell: (event) => void told.push(event) }), told };
}

test('a program that ends while it starts is started again, with a word, and is ready in the end', async () => {
  const { part, told } = await aProgram(2);
  await part.start();
  expect(part.state).toBe('ready');
  expect(told.filter(({ kind }) => kind === 'not-ready')).toHaveLength(2);
  await part.stop();
});

test('one that ends each time is given up with what it ended by, and leaves nothing running', async () => {
  const { part } = await aProgram(9);
  await expect(part.start()).rejects.toThrow('program ended with code 3');
  await part.stop();
  expect(existsSync(join(folder, 'run', 'program.json'))).toBe(false);
});

test('one whose remains cannot be kept for later starts is stopped all the same, with a word', async () => {
  const afterEnd = (): void => {
    throw new Error('no space left');
  };
  const { part, told } = await aProgram(0, { afterEnd });
  await part.start();
  const { pid } = part.identity!;
  await part.stop();
  expect([part.state, identify(pid)]).toEqual(['stopped', null]);
  expect(told).toContainEqual({ kind: 'not-kept', part: 'program', reason: 'no space left' });
});

test('one that cannot be written down is not left running', async () => {
  const { part } = await aProgram(0);
  mkdirSync(join(folder, 'run', 'program.json'));
  await expect(part.start()).rejects.toThrow('EISDIR');
  expect(identify(part.identity!.pid)).toBeNull();
  rmSync(join(folder, 'run', 'program.json'), { recursive: true });
  await part.stop();
});
