// The tests that a route's author wrote beside it: given events through the compiled route, compared with what was expected.
import { createByteSink, createProcessor, PASSED } from '#core/expression/index.ts';
import type { RouteNode } from '#core/graph/world.ts';
import { canonicalJson } from '#core/hash.ts';
import type { Json } from '#core/spec/document.ts';
import type { RouteTest } from '#core/spec/route-spec.ts';

export interface RouteTestResult {
  readonly name: string;
  readonly passed: boolean;
  readonly message: string;
}

/** A test passes when the events that come out are those expected, in order; of each, the expected fields must be equal. */
export function runRouteTests(tests: readonly RouteTest[], route: RouteNode | undefined): readonly RouteTestResult[] {
  const program = route ? [...route.programs.values()][0] : undefined;
  if (!program) return [];
  return tests.map((test) => {
    const out: string[] = [];
    const faults: string[] = [];
    for (const event of test.given) {
      const processor = createProcessor(program);
      const bytes = new TextEncoder().encode(event);
      const sink = createByteSink(bytes.length);
      const verdict = processor.process(bytes, 0, bytes.length, sink);
      if (verdict === PASSED)
        out.push(program.identity ? event : new TextDecoder().decode(sink.bytes.subarray(0, sink.length)));
      else if (processor.fault) faults.push(`${processor.fault.code}: ${processor.fault.message} in ${event}`);
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
