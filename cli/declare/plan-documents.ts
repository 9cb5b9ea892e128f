// Asks the API what applying documents would do, and turns what it refuses into problems with their places in the files.
import { type ApiClient, ApiError } from '#cli/api-client.ts';
import { CommandError, exitCodes } from '#cli/exit.ts';
import { type SourceDocument, titleOf } from '#cli/input/documents.ts';
import { formatProblem } from '#cli/print/problems.ts';
import type { PlanView, ProblemView } from '#core/api/wire.ts';
import type { SpecProblem } from '#core/spec/problem.ts';

export async function planDocuments(api: ApiClient, documents: readonly SourceDocument[]): Promise<PlanView> {
  try {
    return await api.post<PlanView>('/v1/plan', { json: { documents: documents.map((document) => document.json) } });
  } catch (error) {
    throw withPositions(error, documents);
  }
}

/** Throws where the plan refuses any document: nothing is applied then. */
export function requireAccepted(plan: PlanView, documents: readonly SourceDocument[]): void {
  if (!plan.refused) return;
  const details = refusals(plan, documents);
  const count = plan.changes.filter((change) => change.outcome === 'refused').length;
  throw new CommandError(
    exitCodes.failure,
    `${count} of ${documents.length} document${documents.length === 1 ? '' : 's'} refused, so nothing is applied`,
    { details },
  );
}

/** Every problem and every failed test of a plan, with its place. */
export function refusals(plan: PlanView, documents: readonly SourceDocument[]): readonly string[] {
  return plan.changes.flatMap((change, index) => {
    if (change.outcome !== 'refused') return [];
    const source = sourceOf(documents, `${change.kind} ${change.name}`, index);
    const failed = change.tests
      .filter((test) => !test.passed)
      .map((test) => ({ path: 'spec.tests', message: `test ${JSON.stringify(test.name)} fails: ${test.message}` }));
    const problems: readonly SpecProblem[] = change.problems.length > 0 ? change.problems : failed;
    return inFileOrder(problems.map((one) => ({ one, source }))).map(({ one }) =>
      describe(one, source, titleOf(change)),
    );
  });
}

const describe = (problem: SpecProblem, source: SourceDocument | undefined, title: string): string =>
  formatProblem({ ...problem, document: title }, source?.locate(problem) ?? null);

function sourceOf(documents: readonly SourceDocument[], title: string, index: number): SourceDocument | undefined {
  return documents.find((document) => titleOf(document) === title) ?? documents[index];
}

/** The API's problem about documents it was sent, with the files they came from. */
export function withPositions(error: unknown, documents: readonly SourceDocument[]): unknown {
  if (!(error instanceof ApiError) || error.problem.problems === undefined || error.problem.problems.length === 0)
    return error;
  const problem: ProblemView = error.problem;
  const found = (problem.problems ?? []).map((one) => {
    const source = documents.length === 1 ? documents[0] : documentNamed(documents, one.document);
    return { one, source };
  });
  const details = inFileOrder(found).map(({ one, source }) =>
    describe(one, source, (source ? titleOf(source) : '') || (one.document ?? '')),
  );
  const conflict = problem.status === 409 || problem.status === 412;
  return new CommandError(
    conflict ? exitCodes.conflict : exitCodes.failure,
    `refused: ${details.length} problem${details.length === 1 ? '' : 's'}`,
    { details, cause: error },
  );
}

interface Placed {
  readonly one: SpecProblem;
  readonly source: SourceDocument | undefined;
}

/** As one reads the file from the top; the API goes by the order of its checks. */
function inFileOrder<Problem extends Placed>(problems: readonly Problem[]): readonly Problem[] {
  const lineOf = ({ one, source }: Placed): number => source?.locate(one).line ?? 0;
  return [...problems].sort((a, b) => (a.source === b.source ? lineOf(a) - lineOf(b) : 0));
}

/** The API names a document `Kind name` or `Kind/name`, or by its index. */
function documentNamed(documents: readonly SourceDocument[], name: string | undefined): SourceDocument | undefined {
  if (name === undefined) return undefined;
  return (
    documents.find((document) => titleOf(document) === name.replace('/', ' ')) ??
    documents[Number(/^(?:documents)?\[?(\d+)\]?$/.exec(name)?.[1] ?? Number.NaN)]
  );
}
