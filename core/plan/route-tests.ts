// The tests that a route's author wrote beside it: given events through the compiled route, compared with what was expected.
import type { RouteNode } from '#core/graph/world.ts';
import { canonicalJson } from '#core/hash.ts';
import { Chain } from '#core/operators/run/chain.ts';
import { outputTexts } from '#core/operators/run/output-texts.ts';
import { trialSalts } from '#core/operators/trial-salts.ts';
import type { Json } from '#core/spec/json.ts';
import type { RouteTest } from '#core/spec/route-spec.ts';

export interface RouteTestResult {
  readonly name: string;
  readonly passed: boolean;
  readonly message: string;
}

/**
 * The given events are read one after the other, as from one partition, a millisecond apart. A test passes when the events
 * that come out are those expected, in order; of each, the expected fields must be equal.
 */
export function runRouteTests(tests: readonly RouteTest[], route: RouteNode | undefined): readonly RouteTestResult[] {
  if (!route || route.programs.size === 0) return [];
  const { operators, programs } = route;
  return tests.map((test) => {
    const program = test.sink === null ? [...programs.values()][0] : programs.get(test.sink);
    if (!program) {
      const message = `got sink ${JSON.stringify(test.sink)}, expected one of ${[...programs.keys()].join(', ')}`;
      return { name: test.name, passed: false, message };
    }
    const out: string[] = [];
    const faults: string[] = [];
    const chain = new Chain(operators, program, trialSalts(operators));
    const memory = chain.createMemory();
    for (const [offset, event] of test.given.entries()) {
      const bytes = new TextEncoder().encode(event);
      chain.process(bytes, 0, bytes.length, { partition: 0, offset, timestamp: offset, memory });
      out.push(...outputTexts(chain.outputs));
      if (chain.fault) faults.push(`${chain.fault.code}: ${chain.fault.message} in ${event}`);
    }
    return judge(test, out, faults);
  });
}

function judge(test: RouteTest, out: readonly string[], faults: readonly string[]): RouteTestResult {
  const trouble = faults.length > 0 ? `; ${faults.join('; ')}` : '';
  if (out.length !== test.expect.length)
    return {
      name: test.name,
      passed: false,
      message: `got ${out.length} event(s) [${out.join(', ')}], expected ${test.expect.length}${trouble}`,
    };
  for (const [index, expected] of test.expect.entries())
    if (!covers(JSON.parse(out[index]!) as Json, JSON.parse(expected) as Json))
      return {
        name: test.name,
        passed: false,
        message: `event ${index + 1}: got ${out[index]}, expected ${expected}${trouble}`,
      };
  return { name: test.name, passed: true, message: `${test.given.length} given, ${out.length} came out as expected` };
}

/** Every expected member is there with an equal value; numbers by value, so 1.50 equals 1.5. */
function covers(got: Json, expected: Json): boolean {
  if (typeof expected !== 'object' || expected === null || Array.isArray(expected))
    return canonicalJson(got) === canonicalJson(expected);
  if (typeof got !== 'object' || got === null || Array.isArray(got)) return false;
  return Object.entries(expected).every(
    ([name, value]) => Object.hasOwn(got, name) && covers((got as Record<string, Json>)[name]!, value as Json),
  );
}
