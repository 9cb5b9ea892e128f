// A declaration that a CloudFormation stack owns: made, changed and taken away with the stack, through the API that people use.
import type { DeclaredView, ProblemView } from '#core/api/wire.ts';
import { PlatformError } from '#core/errors.ts';
import { stackLabel } from '#core/names.ts';
import type { ApiAnswer, ApiCaller } from '#core/ports/api-caller.ts';
import type { Logger } from '#core/ports/logger.ts';

/** As CDK's provider hands on what CloudFormation sends. CloudFormation makes texts of all values: `Adopt` is `"true"`. */
export interface DeclareEvent {
  readonly RequestType: 'Create' | 'Update' | 'Delete';
  readonly StackId: string;
  readonly LogicalResourceId: string;
  readonly PhysicalResourceId?: string;
  readonly ResourceProperties: Readonly<Record<string, unknown>>;
}

export interface DeclareAnswer {
  readonly PhysicalResourceId: string;
  readonly Data?: { readonly Name: string; readonly Revision: number; readonly Uid: string };
}

export interface DeclareParts {
  readonly call: ApiCaller;
  readonly logger: Logger;
  readonly sleep: (ms: number) => Promise<void>;
}

interface Declaration {
  readonly apiVersion: string;
  readonly kind: 'Stream' | 'Route';
  readonly metadata: { readonly name: string; readonly owner: string; readonly labels?: Record<string, string> };
  readonly spec: unknown;
}

/** A part that is down, or somebody else's change at the same moment: so often is it tried, some 30 s in all. */
const turnsMax = 6;
const pauseMs = 1_000;
const pauseMsMax = 10_000;
/** What CloudFormation shows of a reason. */
const reasonCharsMax = 1_000;

/**
 * Every request may come twice and finds its work done the second time. What another owns is never taken and never
 * deleted: whose a declaration is stands in a label on it.
 */
export function createDeclarer(parts: DeclareParts): (event: DeclareEvent) => Promise<DeclareAnswer> {
  return async (event) => {
    const declaration = readDeclaration(event.ResourceProperties['Declaration']);
    const owner = ownerOf(event);
    const id = physicalId(declaration);
    parts.logger.info('a stack declares', { request: event.RequestType, id, owner });
    if (event.RequestType !== 'Delete') {
      const adopt = String(event.ResourceProperties['Adopt']) === 'true';
      const view = await inTurns(parts, () => apply(parts.call, event, declaration, owner, adopt));
      return { PhysicalResourceId: id, Data: { Name: view.metadata.name, Revision: view.revision, Uid: view.uid } };
    }
    // A creation that failed, or a name that was given up: what CloudFormation calls it says which it is.
    const gone = event.PhysicalResourceId ?? id;
    if (pathOf(gone) !== null) await inTurns(parts, () => remove(parts, event.StackId, gone, owner));
    return { PhysicalResourceId: gone };
  };
}

function readDeclaration(text: unknown): Declaration {
  try {
    const parsed = JSON.parse(String(text)) as Declaration;
    if (['Stream', 'Route'].includes(parsed.kind) && typeof parsed.metadata.name === 'string') return parsed;
  } catch {
    // Told below, as for all that is no declaration.
  }
  throw refused(`the property Declaration is ${String(text).slice(0, 80)}; expected a declaration as JSON text`);
}

const segments = { Stream: 'streams', Route: 'routes' } as const;
const physicalId = ({ kind, metadata }: Declaration): string => `${segments[kind]}/${metadata.name}`;
/** Null: not one of ours, such as the marker of a creation that failed. */
const pathOf = (id: string): string | null => (/^(streams|routes)\/[a-z0-9-]+$/.test(id) ? `/v1/${id}` : null);

const labelCharsMax = 255;

/** The stack's name and not its id: a stream that outlived its stack is found again by the stack that follows it. */
const ownerOf = ({ StackId, LogicalResourceId }: DeclareEvent): string =>
  `${StackId.split('/')[1] ?? StackId}/${LogicalResourceId}`.slice(-labelCharsMax);

const labelsOf = (view: DeclaredView): Readonly<Record<string, string>> => view.metadata.labels ?? {};

async function apply(
  call: ApiCaller,
  event: DeclareEvent,
  declaration: Declaration,
  owner: string,
  adopt: boolean,
): Promise<DeclaredView> {
  const { StackId } = event;
  const path = `/v1/${physicalId(declaration)}`;
  const found = await call({ method: 'GET', path, headers: {} }, StackId);
  if (found.status !== 200 && found.status !== 404) throw notDone(found);
  const before = found.status === 200 ? (found.body as DeclaredView) : null;
  const isDeclared = before !== null && before.revision > 0;
  if (isDeclared && labelsOf(before)[stackLabel] !== owner && !adopt) throw takenBy(declaration, before);
  const labels = { ...declaration.metadata.labels, [stackLabel]: owner };
  const done = await call(
    {
      ...{ method: 'PUT', path },
      headers: {
        ...(isDeclared ? { 'if-match': `"${before.revision}"` } : { 'if-none-match': '*' }),
        'millrace-reason': `${event.RequestType} of ${owner}`.slice(0, 200),
      },
      body: { ...declaration, metadata: { ...declaration.metadata, labels } },
    },
    StackId,
  );
  if (done.status !== 200 && done.status !== 201) throw notDone(done);
  return (done.body as { readonly resource: DeclaredView }).resource;
}

async function remove({ call, logger }: DeclareParts, stackId: string, id: string, owner: string): Promise<void> {
  const path = pathOf(id) ?? '';
  const found = await call({ method: 'GET', path, headers: {} }, stackId);
  if (found.status === 404) return;
  if (found.status !== 200) throw notDone(found);
  const view = found.body as DeclaredView;
  if (view.revision === 0 || labelsOf(view)[stackLabel] !== owner) {
    logger.warn('left as it is: it is not this stack’s', { id, owner, label: labelsOf(view)[stackLabel] ?? null });
    return;
  }
  const headers = { 'if-match': `"${view.revision}"`, 'millrace-reason': `Delete of ${owner}`.slice(0, 200) };
  const done = await call({ method: 'DELETE', path, headers }, stackId);
  if (done.status >= 300 && done.status !== 404) throw notDone(done);
}

const refused = (message: string): PlatformError =>
  new PlatformError('declaration-refused', message.slice(0, reasonCharsMax), { fault: 'user', retry: 'no-retry' });

function takenBy({ kind, metadata }: Declaration, view: DeclaredView): PlatformError {
  const whose = labelsOf(view)[stackLabel];
  const by = whose === undefined ? `by ${view.author}, outside of CloudFormation` : `by the stack resource ${whose}`;
  return refused(
    `${kind} "${metadata.name}" is declared already (revision ${view.revision}, ${by}). Choose another name, or set "adopt: true" to let this stack take it over.`,
  );
}

/** The API's own words, with every problem it found: they are all that the author sees, in the stack's events. */
function notDone({ status, body }: ApiAnswer): PlatformError {
  const problem = body as ProblemView | null;
  const all = (problem?.problems ?? []).map(
    ({ path, message, fix, line, column }) =>
      `${path}${line === undefined ? '' : ` (line ${line}, column ${column})`}: ${message}${fix ? `; ${fix}` : ''}`,
  );
  const told = all.length > 0 ? all.join(' | ') : `${problem?.detail ?? `answered ${status}`}`;
  const message = `Millrace: ${told}${all.length === 0 && problem?.fix ? `; ${problem.fix}` : ''}`;
  const mayPass = status === 412 || status === 429 || status >= 500;
  return new PlatformError(problem?.code ?? `http-${status}`, message.slice(0, reasonCharsMax), {
    fault: mayPass ? 'external' : 'user',
    retry: mayPass ? 'retry' : 'no-retry',
  });
}

async function inTurns<Value>({ sleep, logger }: DeclareParts, carryOut: () => Promise<Value>): Promise<Value> {
  for (let turn = 1; ; turn++)
    try {
      return await carryOut();
    } catch (error) {
      if (!(error instanceof PlatformError) || error.retry === 'no-retry' || turn === turnsMax) throw error;
      logger.warn('put off', { turn, code: error.code, error: error.message });
      await sleep(Math.min(pauseMsMax, pauseMs * 2 ** (turn - 1)));
    }
}
