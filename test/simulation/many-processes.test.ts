// A long range of seeds is run in pieces; those that are done are not run again.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { pieceSeeds, piecesOf, readDone } from './many-processes.ts';

test('pieces cover the range without a gap, and leave out what is done', () => {
  const all = piecesOf(40_001, 2 * pieceSeeds + 7, new Set());
  expect(all).toEqual([
    { from: 40_001, seeds: pieceSeeds },
    { from: 40_001 + pieceSeeds, seeds: pieceSeeds },
    { from: 40_001 + 2 * pieceSeeds, seeds: 7 },
  ]);
  expect(piecesOf(40_001, 2 * pieceSeeds + 7, new Set([40_001 + pieceSeeds]))).toEqual([all[0], all[2]]);
});

test('what was done of another tree, or of runs of another length, is not gone on with', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'millrace-seeds-')), 'seeds.jsonl');
  const done = {
    from: 1,
    seeds: pieceSeeds,
    events: 9,
    trials: 0,
    violations: [],
    ok: true,
    seconds: 1,
    virtualDays: 0,
  };
  const runs = { commit: 'c1', stepCount: 30 };
  expect(readDone(file, runs)).toEqual([]);
  writeFileSync(file, `${JSON.stringify({ ...done, ...runs })}\n`);
  expect(readDone(file, runs)).toMatchObject([{ from: 1, seeds: pieceSeeds }]);
  expect(readDone(file, { ...runs, commit: 'c2' })).toMatch(/is of commit c1, and this is c2/);
  const anyLength = { ...runs, stepCount: undefined };
  expect(readDone(file, anyLength)).toMatch(/is of runs with 30 steps, and these are of their own numbers of/);
});
