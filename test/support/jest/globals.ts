// What `@jest/globals` is for a suite that Node loads.
import { suiteGlobals } from './run-suite.ts';

export const { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, test } = suiteGlobals();
export { jest } from './run-suite.ts';
