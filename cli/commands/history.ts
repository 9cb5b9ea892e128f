// `millrace history` and `millrace diff`: who changed a route, when and why, and what the change was.
import type { Command } from 'commander';
import { readCount, readTime } from '#cli/arguments.ts';
import { type ApiOptions, addApiOptions, connect } from '#cli/connect.ts';
import { CommandError, exitCodes } from '#cli/exit.ts';
import { showTime } from '#cli/print/events.ts';
import { type OutputFormat, outputOption, printAs } from '#cli/print/output.ts';
import { formatFieldChange } from '#cli/print/plan.ts';
import { type Column, formatTable } from '#cli/print/table.ts';
import { note, oneLine, paintFor } from '#cli/terminal.ts';
import type { DiffView, FieldChange, NamedChange, RevisionView } from '#core/api/wire.ts';
import { diffJson } from '#core/plan/change-weight.ts';
import type { Kind } from '#core/spec/document.ts';

interface HistoryOptions extends ApiOptions {
  readonly stream?: boolean;
  readonly output: OutputFormat;
}

const formats = ['table', 'json', 'yaml'] as const;

export function registerHistory(program: Command): void {
  addApiOptions(
    program
      .command('history')
      .summary('a route’s revisions: who, when, why')
      .argument('<route>')
      .option('--stream', 'the name is a stream’s')
      .addOption(outputOption(formats)),
  ).action(history);
}

export function registerDiff(program: Command): void {
  addApiOptions(
    program
      .command('diff')
      .summary('what a revision of a route changed, or what has changed between two points')
      .description(
        'Of a route: a revision against the one before it, or --from against --to, each a revision or a time. Without a route: all that is declared, between two times.',
      )
      .argument('[route]')
      .option('--revision <number>', 'that revision against the one before it (else the newest)', readCount)
      .option('--from <point>', 'a revision, a time (2026-01-31T12:00:00Z) or a span back (2h)', readPoint)
      .option('--to <point>', 'with --from: a revision, a time or a span back; else now', readPoint)
      .option('--stream', 'the name is a stream’s')
      .addOption(outputOption(formats)),
  ).action(diff);
}

const columns: readonly Column<RevisionView>[] = [
  { heading: 'rev', cell: (one) => String(one.revision), align: 'right' },
  { heading: 'at', cell: (one) => showTime(one.at) },
  { heading: 'author', cell: (one) => one.author },
  { heading: 'what', cell: whatChanged },
  { heading: 'why', cell: (one) => one.reason },
];

function whatChanged(one: RevisionView): string {
  if (one.deleted) return 'deleted';
  return one.revision === 1 ? 'created' : one.changes.map((change) => change.path).join(', ');
}

const revisionsOf = async (name: string, options: HistoryOptions): Promise<readonly RevisionView[]> =>
  (await connect(options)).list<RevisionView>(
    `/v1/${options.stream ? 'streams' : 'routes'}/${encodeURIComponent(name)}/revisions`,
  );

type Point = { readonly revision: number } | { readonly at: string };

function readPoint(text: string): Point {
  if (/^\d{1,9}$/.test(text)) return { revision: readCount(text) };
  return { at: readTime(text) };
}

/** All declarations of the tenant, between two times. */
async function diffAll({ from, to, ...options }: DiffOptions): Promise<void> {
  const isTime = (point: Point | undefined): boolean => point === undefined || 'at' in point;
  if (from === undefined || !isTime(from) || !isTime(to))
    throw new CommandError(exitCodes.usage, 'expected --from and a time: revisions are counted in each name by itself');
  const at = (point: Point | undefined): string | undefined => (point && 'at' in point ? point.at : undefined);
  const view = await (await connect(options)).get<DiffView>('/v1/diff', { query: { from: at(from), to: at(to) } });
  await printChanges(view.items, view, options.output);
}

async function diffBetween(name: string, { from, to, ...options }: DiffOptions): Promise<void> {
  if (from === undefined)
    throw new CommandError(exitCodes.usage, 'got --to without --from, expected both: what is compared with what', {
      fix: `millrace diff ${name} --revision N   shows what revision N changed`,
    });
  const items = await revisionsOf(name, options);
  const [before, after] = [
    findPoint(items, from, name),
    findPoint(items, to ?? { at: new Date().toISOString() }, name),
  ];
  const kind = options.stream ? 'Stream' : 'Route';
  const fields = before?.spec && after?.spec ? fieldChanges(kind, before, after) : [];
  const outcome = outcomeOf(before, after, fields);
  const change = {
    ...({ kind, name, outcome, fields } as const),
    revisions: { from: before?.revision ?? null, to: after?.revision ?? null },
  };
  await printChanges(outcome === 'unchanged' ? [] : [{ ...change, outcome }], change, options.output);
}

const fieldChanges = (kind: Kind, before: RevisionView, after: RevisionView): readonly FieldChange[] => [
  ...diffJson(kind, before.labels, after.labels, 'metadata.labels'),
  ...diffJson(kind, before.spec, after.spec, 'spec'),
];

/** Not there at either point is no difference, whatever was in between. */
function outcomeOf(
  before: RevisionView | undefined,
  after: RevisionView | undefined,
  fields: readonly FieldChange[],
): NamedChange['outcome'] | 'unchanged' {
  if (!before?.spec) return after?.spec ? 'created' : 'unchanged';
  if (!after?.spec) return 'deleted';
  return fields.length === 0 ? 'unchanged' : 'changed';
}

/** The revision of that number, or the newest that was there at that time; undefined before the first. */
function findPoint(items: readonly RevisionView[], point: Point, name: string): RevisionView | undefined {
  const newestFirst = [...items].sort((a, b) => b.revision - a.revision);
  if ('at' in point) return newestFirst.find(({ at }) => Date.parse(at) <= Date.parse(point.at));
  const found = newestFirst.find(({ revision }) => revision === point.revision);
  if (found) return found;
  const known = newestFirst.map(({ revision }) => revision).join(', ');
  throw new CommandError(exitCodes.failure, `${name} has no revision ${point.revision}, it has ${known}`);
}

export async function printChanges(items: readonly NamedChange[], value: unknown, output: OutputFormat): Promise<void> {
  const paint = paintFor(process.stdout);
  const show = ({ kind, name, outcome, fields, revisions: { from, to } }: NamedChange): string =>
    [
      `${kind} ${oneLine(name)}: ${outcome} (revision ${from ?? 'none'} → ${to ?? 'none'})\n`,
      ...fields.map((field) => `${formatFieldChange(field, paint).join('\n')}\n`),
    ].join('');
  const table = (): string => (items.length === 0 ? 'no difference\n' : items.map(show).join(''));
  await printAs(output, { value, table, names: () => items.map(({ kind, name }) => `${kind.toLowerCase()}/${name}`) });
}

async function history(name: string, options: HistoryOptions): Promise<void> {
  const items = [...(await revisionsOf(name, options))].sort((a, b) => a.revision - b.revision);
  await printAs(options.output, { value: { items }, table: () => formatTable(columns, items), names: () => [] });
}

type DiffOptions = HistoryOptions & {
  readonly revision?: number;
  readonly from?: Point;
  readonly to?: Point;
};

async function diff(name: string | undefined, options: DiffOptions): Promise<void> {
  if (name === undefined) return await diffAll(options);
  if (options.from !== undefined || options.to !== undefined) return await diffBetween(name, options);
  const items = [...(await revisionsOf(name, options))].sort((a, b) => b.revision - a.revision);
  const found = options.revision === undefined ? items[0] : items.find((one) => one.revision === options.revision);
  if (!found)
    throw new CommandError(
      exitCodes.failure,
      `${name} has no revision ${options.revision}, it has ${items.map((one) => one.revision).join(', ')}`,
    );
  const paint = paintFor(process.stdout);
  note(
    `revision ${found.revision} by ${oneLine(found.author)}, ${showTime(found.at)}${found.reason === '' ? '' : `: ${oneLine(found.reason)}`}`,
  );
  await printAs(options.output, {
    value: found,
    table: () => {
      if (found.deleted) return 'deleted\n';
      return found.changes.length === 0
        ? 'no change\n'
        : found.changes.map((change) => `${formatFieldChange(change, paint).join('\n')}\n`).join('');
    },
    names: () => [],
  });
}
