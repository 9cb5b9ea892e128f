// What needs a whole platform that runs, and leaves it running: one platform for all, since each costs as much as a dozen tests.
import { afterAll, beforeAll, describe } from '@jest/globals';
import { TestPlatform } from '#test/support/test-platform.ts';
import { commandSuite } from './command.suite.ts';
import { operationsSuite } from './operations.suite.ts';
import { sinksSuite } from './sinks.suite.ts';
import { warehouseSuite } from './warehouse.suite.ts';

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start();
}, 300_000);
afterAll(() => platform?.stop(), 120_000);

const running = (): TestPlatform => platform;

/** Its jobs are paused at its end: they would run on at the cost of all that follow. */
const suite = (name: string, tests: (platform: () => TestPlatform) => void): void =>
  describe(name, () => {
    tests(running);
    afterAll(() => platform.pauseAll(), 120_000);
  });

// The command first: it looks at a platform as it was started.
suite('the command', commandSuite);
suite('operations', operationsSuite);
suite('sinks over HTTP', sinksSuite);
suite('a table', warehouseSuite);
