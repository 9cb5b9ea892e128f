// A long range of seeds is run in pieces; those that are done are not run again.
import { expect, test } from '@jest/globals';
import { pieceSeeds, piecesOf } from './many-processes.ts';

test('pieces cover the range without a gap, and leave out what is done', () => {
  const all = piecesOf(40_001, 2 * pieceSeeds + 7, new Set());
  expect(all).toEqual([
    { from: 40_001, seeds: pieceSeeds },
    { from: 40_001 + pieceSeeds, seeds: pieceSeeds },
    { from: 40_001 + 2 * pieceSeeds, seeds: 7 },
  ]);
  expect(piecesOf(40_001, 2 * pieceSeeds + 7, new Set([40_001 + pieceSeeds]))).toEqual([all[0], all[2]]);
});
