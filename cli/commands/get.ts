// `millrace get`: lists streams, routes or jobs, or shows one.
import { Argument, type Command } from 'commander';
import type { ApiClient } from '#cli/api-client.ts';
import { type KindPlural, readKind } from '#cli/arguments.ts';
import { type ApiOptions, addApiOptions, connect } from '#cli/connect.ts';
import { findJob } from '#cli/jobs/find-job.ts';
import { type OutputFormat, outputOption, printAs } from '#cli/print/output.ts';
import { formatViews, nameOf } from '#cli/print/views.ts';
import { note } from '#cli/terminal.ts';
import type { JobView, RouteView, StreamView } from '#core/api/wire.ts';

export function registerGet(program: Command): void {
  addApiOptions(
    program
      .command('get')
      .summary('list streams, routes or jobs, or show one')
      .description(
        'Lists streams, routes or jobs with their phase and lag. With a name, that one only: `-o yaml` gives its declaration and status whole.',
      )
      .addArgument(new Argument('<kind>', 'streams, routes or jobs').argParser(readKind))
      .argument('[name]', 'of one of them')
      .addOption(outputOption()),
  ).action(get);
}

type View = StreamView | RouteView | JobView;

async function get(
  kind: KindPlural,
  name: string | undefined,
  options: ApiOptions & { readonly output: OutputFormat },
): Promise<void> {
  const api = await connect(options);
  const views = name === undefined ? await api.list<View>(`/v1/${kind}`) : [await getOne(api, kind, name)];
  if (views.length === 0 && options.output === 'table') {
    note(`no ${kind} yet. Declare some: millrace apply -f examples/quickstart`);
    return;
  }
  await printAs(options.output, {
    value: name === undefined ? { items: views } : views[0],
    table: () => formatViews(kind, views),
    names: () => views.map((view) => `${kind.slice(0, -1)}/${nameOf(view)}`),
  });
}

/** A job may be named by its route. */
const getOne = (api: ApiClient, kind: KindPlural, name: string): Promise<View> =>
  kind === 'jobs' ? findJob(api, name) : api.get<View>(`/v1/${kind}/${encodeURIComponent(name)}`);
