// `millrace try`: a route over real events, before it is applied; nothing is committed or written.
import type { Command } from 'commander';
import { readCount, readPosition } from '#cli/arguments.ts';
import { type ApiOptions, addApiOptions, connect } from '#cli/connect.ts';
import { CommandError, exitCodes } from '#cli/exit.ts';
import type { SourceDocument } from '#cli/input/documents.ts';
import { printAs } from '#cli/print/output.ts';
import { formatTryPage } from '#cli/print/try-page.ts';
import { paintFor } from '#cli/terminal.ts';
import type { TryView } from '#core/api/wire.ts';

interface TryOptions extends ApiOptions {
  readonly file: string;
  readonly route?: string;
  readonly from?: string;
  readonly limit: number;
  readonly output: 'table' | 'json';
}

export function registerTry(program: Command): void {
  addApiOptions(
    program
      .command('try')
      .summary('run a route over real events, with nothing committed or written')
      .description(
        'Runs the route in the file over events that its stream holds, and shows what would pass, what would be filtered and what would fail, before and after.',
      )
      .requiredOption('-f, --file <path>', 'the file with the route; - for stdin')
      .option('--route <name>', 'which one, where the file declares several')
      .option(
        '--from <position>',
        'earliest, latest (the newest events), a time, or a span back such as 15m',
        readPosition,
      )
      .option('--limit <count>', 'read at most so many events', readCount, 20)
      .option('-o, --output <format>', 'table or json', 'table'),
  ).action(tryRoute);
}

async function tryRoute(options: TryOptions): Promise<void> {
  const { loadDocuments } = await import('#cli/input/documents.ts');
  const { withPositions } = await import('#cli/declare/plan-documents.ts');
  const document = chooseRoute(await loadDocuments([options.file]), options.route, options.file);
  const api = await connect(options);
  const view = await api
    .post<TryView>('/v1/try', {
      json: { document: document.json, from: options.from, limit: options.limit },
      exact: true,
    })
    .catch((error: unknown) => {
      throw withPositions(error, [document]);
    });
  await printAs(options.output, {
    value: view,
    table: () => formatTryPage(view, paintFor(process.stdout)),
    names: () => [],
  });
}

function chooseRoute(documents: readonly SourceDocument[], name: string | undefined, file: string): SourceDocument {
  const routes = documents.filter((document) => document.kind === 'Route');
  const named = name === undefined ? routes : routes.filter((route) => route.name === name);
  if (named.length === 1) return named[0]!;
  const names = routes.map((route) => route.name).join(', ');
  if (routes.length === 0) throw new CommandError(exitCodes.usage, `${file} declares no route, expected one to try`);
  throw new CommandError(
    exitCodes.usage,
    `${file} declares ${names}; ${name === undefined ? 'expected one' : `got --route ${name}`}`,
    {
      fix: `millrace try -f ${file} --route ${routes[0]!.name}`,
    },
  );
}
