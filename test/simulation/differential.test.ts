// After any sequence of what people ask, the world is as one freshly made from the last goals (`npm run sim -- --differential` runs more).
import { beforeAll, describe, expect, test } from '@jest/globals';
import { loadParser } from '#core/expression/index.ts';
import { localSettings } from '#core/graph/platform-settings.ts';
import { allowances, differences } from './differential.ts';
import { compareSequences } from './run-differential.ts';

beforeAll(loadParser);

const runCount = Number(process.env['DIFFERENTIAL_RUNS'] ?? 24);

describe('the world after a sequence of declarations', () => {
  test('is the one that is freshly made from the last of them', async () => {
    expect((await compareSequences(runCount, 1)).failing).toBeNull();
  }, 60_000);

  test.each(allowances)('may differ where $what', async ({ example, ...allowance }) => {
    const others = allowances.filter(({ what }) => what !== allowance.what);
    expect(await differences(example, localSettings)).toEqual([]);
    expect(await differences(example, localSettings, others)).not.toEqual([]);
  });
});
