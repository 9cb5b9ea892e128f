// Jest's `testRunner`: Node itself loads a suite, so that all suites of a process share what they load. What runs it is jest-circus as it is.
import { createRequire, enableCompileCache, flushCompileCache, registerHooks } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as jestGlobals from '@jest/globals';

type Globals = Pick<
  typeof jestGlobals,
  'afterAll' | 'afterEach' | 'beforeAll' | 'beforeEach' | 'describe' | 'expect' | 'it' | 'test'
>;

/** What jest-circus' own adapter calls. Only the file has it, not the package's list of exports (docs/decisions/0024). */
interface Circus {
  initialize(options: object): Promise<unknown>;
  runAndTransformResultsToJestFormat(options: object): Promise<{ readonly snapshot: object }>;
}

interface Settings {
  readonly testTimeout?: number;
}

// What a process strips of its types and compiles, later ones find done: of the 1.0 s that loading takes, 0.6.
enableCompileCache(join(import.meta.dirname, '../../../.cache/compile'));

const require = createRequire(import.meta.url);
const fresh = require('jest-circus') as { resetState(): void; getState(): unknown };
const circusFolder = dirname(require.resolve('jest-circus/package.json'));
const circus = require(join(circusFolder, 'build/jestAdapterInit.js')) as Circus;

/** Where jest-circus keeps who hears of tests, how long one may take, and, each of its two copies for itself, which tests there are. */
const places = globalThis as unknown as Record<symbol, unknown>;
const handlersPlace = Symbol.for('EVENT_HANDLERS');
const timeoutPlace = Symbol.for('TEST_TIMEOUT_SYMBOL');
const statePlace = Object.getOwnPropertySymbols(globalThis).findLast(
  ({ description }) => description === 'JEST_STATE_SYMBOL',
)!;
const handlersAtFirst = [...(places[handlersPlace] as unknown[])];

let globals: Globals | null = null;

/** The functions are the same for every suite of a process; what they fill is the state of the suite that runs. */
export function suiteGlobals(): Globals {
  if (globals === null) throw new Error('no suite is running: @jest/globals is there for what jest runs');
  return globals;
}

/** All of the `jest` object that there is: a module is loaded once for many suites, so none can be replaced for one. */
export const jest = {
  setTimeout(ms: number): void {
    places[timeoutPlace] = ms;
  },
};

const globalsUrl = new URL('./globals.ts', import.meta.url).href;
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === '@jest/globals' ? { url: globalsUrl, shortCircuit: true } : next(specifier, context),
});

function forgetLastSuite(): void {
  const handlers = places[handlersPlace] as unknown[];
  handlers.splice(0, handlers.length, ...handlersAtFirst);
  delete places[timeoutPlace];
  fresh.resetState();
  places[statePlace] = fresh.getState();
}

/** Jest's signature. */
// biome-ignore lint/style/noDefaultExport: jest takes the default export.
export default async function runSuite(
  globalConfig: Settings,
  config: object,
  environment: object,
  runtime: object,
  testPath: string,
  sendMessageToJest: unknown,
): Promise<object> {
  forgetLastSuite();
  const startedMs = Date.now();
  await circus.initialize({
    config,
    environment,
    globalConfig,
    localRequire: require,
    parentProcess: process,
    runtime,
    sendMessageToJest,
    setGlobalsForRuntime: (given: Globals) => {
      globals ??= given;
    },
    testPath,
  });
  await import(pathToFileURL(testPath).href);
  // A process that jest ends would keep it to itself.
  flushCompileCache();
  const setupAfterEnvPerfStats = { setupAfterEnvStart: startedMs, setupAfterEnvEnd: Date.now() };
  return await circus.runAndTransformResultsToJestFormat({ config, globalConfig, setupAfterEnvPerfStats, testPath });
}
