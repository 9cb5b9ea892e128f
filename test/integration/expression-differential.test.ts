// Our expressions against the real PostgreSQL: the same value, or an error of the same class, for thousands of random pairs.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sqlStates } from '#core/expression/fault.ts';
import {
  createByteSink,
  createProcessor,
  loadParser,
  PASSED,
  planRoute,
  type RouteProgram,
} from '#core/expression/index.ts';
import { approximateExpressions, handWritten, handWrittenRow } from '#test/support/expression-cases.ts';
import { edges } from '#test/support/expression-edges.ts';
import {
  randomExpression,
  randomNumericExpression,
  randomRow,
  randomType,
  recordDefinition,
  rowType,
  withHiddenConstants,
  withPlainConstants,
} from '#test/support/expression-generator.ts';
import { type Oracle, type Outcome, type Question, startOracle } from '#test/support/postgres-oracle.ts';
import { randomRegexCall, randomSimilarCall } from '#test/support/regex-generator.ts';
import { seededRandom } from '#test/support/seeded-random.ts';

const seed = Number(process.env['MILLRACE_TEST_SEED'] ?? 20_260_101);
const batchSize = 250;

/** PostgreSQL's SQLSTATE of what we refuse when an expression is declared. */
const refusalStates: Readonly<Record<string, string>> = {
  ...sqlStates,
  syntax_error: '42601',
  undefined_function: '42883',
  undefined_column: '42703',
  undefined_object: '42704',
  datatype_mismatch: '42804',
  ambiguous_function: '42725',
  cannot_coerce: '42846',
  indeterminate_datatype: '42P18',
};

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function outcomeOf({ expression, row }: Question): Outcome {
  const planned = planRoute({ select: `(${expression})::text AS v` }, rowType);
  if (!planned.ok) return { kind: 'error', state: refusalStates[planned.problem[0]!.code] ?? planned.problem[0]!.code };
  return run(planned.value, row);
}

function run(program: RouteProgram, row: string): Outcome {
  const processor = createProcessor(JSON.parse(JSON.stringify(program)) as RouteProgram);
  const out = createByteSink(256);
  const bytes = encoder.encode(row);
  if (processor.process(bytes, 0, bytes.length, out) !== PASSED) {
    const { code } = processor.fault!;
    return { kind: 'error', state: (sqlStates as Record<string, string>)[code] ?? code };
  }
  const { v } = JSON.parse(decoder.decode(out.bytes.subarray(0, out.length))) as { v: string | null };
  return { kind: 'value', text: v };
}

/** Texts that are no dates: PostgreSQL tells malformed from out of range by rules of its own. */
const dateErrors: ReadonlySet<string> = new Set(['22007', '22008', '22009', '22015']);

/** We read ISO 8601 dates only; PostgreSQL reads many more texts, of which random strings hit a few. */
function isFreeDateText(ours: Outcome): boolean {
  return ours.kind === 'error' && ours.state === '22007';
}

/** PostgreSQL has infinite intervals; where one would come about we say that we have none. */
function isInfiniteInterval(ours: Outcome): boolean {
  return ours.kind === 'error' && ours.state === sqlStates.feature_not_supported;
}

function isByDesign(theirs: Outcome, ours: Outcome): boolean {
  if (isFreeDateText(ours)) return true;
  if (isInfiniteInterval(ours)) return true;
  return theirs.kind === 'error' && ours.kind === 'error' && dateErrors.has(theirs.state) && dateErrors.has(ours.state);
}

function same(left: Outcome, right: Outcome): boolean {
  if (left.kind === 'error') return right.kind === 'error' && left.state === right.state;
  return right.kind === 'value' && left.text === right.text;
}

describe('against PostgreSQL', () => {
  let oracle: Oracle;

  beforeAll(async () => {
    await loadParser();
    oracle = await startOracle(recordDefinition);
  });
  afterAll(async () => {
    await oracle[Symbol.asyncDispose]();
  });

  /** Gives the pairs whose outcomes differ, shortest expression first, and counts what was compared. */
  async function compare(
    questions: readonly Question[],
  ): Promise<{ differing: unknown[]; errorCount: number; byDesignCount: number }> {
    const differing: { expression: string; row: string; postgres: Outcome; ours: Outcome }[] = [];
    let errorCount = 0;
    let byDesignCount = 0;
    for (let from = 0; from < questions.length; from += batchSize) {
      const batch = questions.slice(from, from + batchSize);
      const answers = await oracle.ask(
        batch.map(({ expression, row }) => ({ expression: withHiddenConstants(expression), row })),
      );
      for (const [index, question] of batch.entries()) {
        const postgres = answers[index]!;
        const ours = outcomeOf({ ...question, expression: withPlainConstants(question.expression) });
        if (postgres.kind === 'error') errorCount++;
        if (same(postgres, ours)) continue;
        if (isByDesign(postgres, ours)) byDesignCount++;
        else differing.push({ ...question, postgres, ours });
      }
    }
    differing.sort((left, right) => left.expression.length - right.expression.length);
    return { differing: differing.slice(0, 10), errorCount, byDesignCount };
  }

  test('random typed expressions over random rows give the same value or the same error', async () => {
    const random = seededRandom(seed);
    const questions = Array.from({ length: 6_000 }, () => ({
      expression: randomExpression(random, randomType(random), 1 + random.below(3)),
      row: randomRow(random),
    }));
    const { differing, errorCount, byDesignCount } = await compare(questions);
    console.info(
      `seed ${seed}: ${questions.length} pairs, ${errorCount} of them errors, ${byDesignCount} different by design`,
    );
    expect(differing).toEqual([]);
    expect(errorCount).toBeGreaterThan(questions.length / 50);
    expect(byDesignCount).toBeLessThan(questions.length / 100);
  });

  test('numerics of any size are divided, rounded, raised and logged to the same digits', async () => {
    const random = seededRandom(seed + 1);
    const questions = Array.from({ length: 3_000 }, () => ({ expression: randomNumericExpression(random), row: '{}' }));
    const { differing } = await compare(questions);
    expect(differing).toEqual([]);
  });

  test('regular expressions and SIMILAR TO patterns mean the same, and what is none is refused', async () => {
    const random = seededRandom(seed + 2);
    const questions = Array.from({ length: 3_000 }, (_, index) => ({
      expression: index % 4 === 0 ? randomSimilarCall(random) : randomRegexCall(random),
      row: '{}',
    }));
    const { differing, errorCount } = await compare(questions);
    expect(differing).toEqual([]);
    expect(errorCount).toBeGreaterThan(questions.length / 4);
  });

  test('the hand-written cases of every area agree', async () => {
    const questions = [...handWritten, ...edges].map((expression) => ({ expression, row: handWrittenRow }));
    const { differing } = await compare(questions);
    expect(differing).toEqual([]);
  });

  test('functions of the C library agree to 14 digits', async () => {
    const questions = approximateExpressions.map((expression) => ({ expression, row: handWrittenRow }));
    const answers = await oracle.ask(questions);
    for (const [index, question] of questions.entries()) {
      const [theirs, ours] = [answers[index]!, outcomeOf(question)];
      expect({ question, kind: ours.kind }).toEqual({ question, kind: theirs.kind });
      if (theirs.kind === 'error') expect({ question, ours }).toEqual({ question, ours: theirs });
      if (theirs.kind !== 'value' || ours.kind !== 'value') continue;
      const distance =
        Math.abs(Number(ours.text) - Number(theirs.text)) / Math.max(Math.abs(Number(theirs.text)), 1e-300);
      expect({ question, close: distance < 1e-14 || ours.text === theirs.text }).toEqual({ question, close: true });
    }
  });
});
