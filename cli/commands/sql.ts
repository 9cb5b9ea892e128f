// `millrace sql`: one expression over one row or many, as a route would evaluate it; here, without the platform.
import type { Command } from 'commander';
import { type ApiOptions, addApiOptions, connect } from '#cli/connect.ts';
import { CommandError, exitCodes } from '#cli/exit.ts';
import { isBlank, readLines } from '#cli/input/lines.ts';
import { openInput } from '#cli/input/open-input.ts';
import { shown } from '#cli/print/output.ts';
import { formatProblem } from '#cli/print/problems.ts';
import { note, oneLine, writeOut } from '#cli/terminal.ts';
import type { StreamView } from '#core/api/wire.ts';
import type { RowType } from '#core/expression/types.ts';
import { limits } from '#core/limits.ts';
import type { Json } from '#core/spec/json.ts';

interface SqlOptions extends ApiOptions {
  readonly row: string;
  readonly stream?: string;
  readonly output: 'table' | 'json';
}

export function registerSql(program: Command): void {
  addApiOptions(
    program
      .command('sql')
      .summary('evaluate an expression over a row, as a route would')
      .description(
        "Evaluates one expression over a JSON object, exactly as a route's `where` or `select` would, and prints its value as JSON. Needs no platform, unless --stream is given.",
      )
      .argument('<expression>', 'such as "upper(country) || \'-\' || id"')
      .option('--row <json>', 'the event; @FILE or - (stdin) for one event a line', '{}')
      .option('--stream <name>', 'with the types of this stream’s schema')
      .option('-o, --output <format>', 'table (the value) or json (with its type)', 'table'),
  ).action(sql);
}

async function sql(expression: string, options: SqlOptions): Promise<void> {
  const { evaluateExpression, loadParser } = await import('#core/expression/index.ts');
  const row = options.stream === undefined ? null : await schemaOf(options.stream, options);
  await loadParser();
  let shownType: string | null = null;
  let failedCount = 0;
  for await (const { number, text } of rowsOf(options.row)) {
    const result = evaluateExpression(expression, text, row);
    if (!result.ok) {
      if ('line' in result.problem) throw refused(expression, result.problem);
      const place = number === null ? '' : `line ${number}: `;
      note(`error: ${place}${result.problem.code}: ${oneLine(result.problem.message, 400)}`);
      failedCount++;
      continue;
    }
    const { type, json } = result.value;
    if (options.output === 'json') await writeOut(shown(`{"type":${JSON.stringify(type)},"value":${json}}\n`));
    else {
      if (shownType !== type && process.stdout.isTTY) note(type);
      shownType = type;
      await writeOut(shown(`${json}\n`));
    }
  }
  if (failedCount > 0) process.exitCode = exitCodes.failure;
}

interface Row {
  /** Its line in the input; null for the one of --row. */
  readonly number: number | null;
  readonly text: string;
}

async function* rowsOf(given: string): AsyncGenerator<Row> {
  if (given !== '-' && !given.startsWith('@')) {
    checkRow(given, '--row');
    yield { number: null, text: given };
    return;
  }
  const source = openInput(given === '-' ? given : given.slice(1), `--row ${given}`);
  for await (const lines of readLines(source.bytes, limits.recordBytesMax))
    for (const line of lines) {
      if (line.bytes === null)
        throw new CommandError(
          exitCodes.failure,
          `line ${line.number}: got ${line.sizeBytes} bytes, expected at most ${limits.recordBytesMax}`,
        );
      if (isBlank(line.bytes)) continue;
      const text = Buffer.from(line.bytes).toString('utf8');
      checkRow(text, `line ${line.number}`);
      yield { number: line.number, text };
    }
}

function checkRow(text: string, where: string): void {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // Told below.
  }
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return;
  throw new CommandError(
    exitCodes.usage,
    `${where}: got ${oneLine(text, 60)}, expected a JSON object such as {"country":"us"}`,
  );
}

function refused(
  expression: string,
  problem: { readonly message: string; readonly line: number; readonly column: number; readonly hint?: string },
): CommandError {
  const text = expression.split('\n')[problem.line - 1] ?? '';
  const position = { file: 'expression', line: problem.line, column: problem.column, text };
  const fix = problem.hint === undefined ? {} : { fix: problem.hint };
  return new CommandError(exitCodes.failure, 'the expression is refused', {
    details: [formatProblem({ path: '', message: problem.message, ...fix }, position)],
  });
}

/** The declared types; null for a stream without a schema, whose fields take theirs from each event. */
async function schemaOf(stream: string, options: SqlOptions): Promise<RowType | null> {
  const api = await connect(options);
  const view = await api.get<StreamView>(`/v1/streams/${encodeURIComponent(stream)}`);
  const fields = (view.spec as { readonly schema?: { readonly fields: { readonly [key: string]: Json } } }).schema
    ?.fields;
  if (fields === undefined) return null;
  const { readFields } = await import('#core/spec/field-types.ts');
  return readFields(fields, 'spec.schema.fields', 1, []);
}
