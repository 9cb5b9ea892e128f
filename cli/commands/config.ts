// `millrace config`: what each parameter of a job is and who says so; overrides of a job for a time, and settings of a team.
import type { Command } from 'commander';
import { type ApiOptions, addApiOptions, connect } from '#cli/connect.ts';
import { CommandError, exitCodes } from '#cli/exit.ts';
import { findJob, jobPath } from '#cli/jobs/find-job.ts';
import { describeConfig } from '#cli/print/config-page.ts';
import { type OutputFormat, outputOption, printAs } from '#cli/print/output.ts';
import { formatTable } from '#cli/print/table.ts';
import { say } from '#cli/terminal.ts';
import type { ConfigEntryView, ConfigView } from '#core/api/config-schemas.ts';
import { describeForm, parameters } from '#core/config/parameters.ts';

const formats = ['table', 'json', 'yaml'] as const;

interface ExplainOptions extends ApiOptions {
  readonly output: OutputFormat;
  readonly history?: boolean;
}

interface ChangeOptions extends ApiOptions {
  readonly team?: boolean;
  readonly reason: string;
  readonly expires?: string;
}

export function registerConfig(program: Command): void {
  const group = program.command('config').summary('parameters of jobs: what holds, and who says so');
  registerExplain(group);
  registerSet(group);
  registerUnset(group);
  group
    .command('ls')
    .summary('the parameters there are')
    .description(
      'Lists the parameters that can be configured, with their bounds; `live` ones reach running workers without a restart.',
    )
    .addOption(outputOption(formats))
    .action(listParameters);
}

function registerExplain(group: Command): void {
  addApiOptions(
    group
      .command('explain')
      .summary('every parameter of a job: its value, its layer, its history')
      .description(
        'Shows what holds for each parameter and which layer says so: platform < files < team < job < environment < override. With --history also who changed it, when and why.',
      )
      .argument('<job>', 'a job, or a route with one sink')
      .option('--history', 'with what was said before')
      .addOption(outputOption(formats)),
  ).action(async (name: string, options: ExplainOptions) => {
    const api = await connect(options);
    const job = await findJob(api, name);
    const view = await api.get<ConfigView>(`${jobPath(job.name)}/config`);
    await printAs(options.output, {
      ...{ value: view, names: () => [] },
      table: () => describeConfig(view, options.history === true),
    });
  });
}

function registerSet(group: Command): void {
  addApiOptions(
    group
      .command('set')
      .summary('override a parameter of a job for a time')
      .description(
        'Sets a parameter of one job, over all that is declared, until --expires is over; it ends by itself. With --team the name is a team’s, and the setting is weaker than what routes say themselves.',
      )
      .argument('<job>', 'a job, or a route with one sink; with --team a team')
      .argument('<key>', 'such as throttle.recordsPerSecond (millrace config ls)')
      .argument('<value>', 'such as 500, 4MiB, 10s or none')
      .requiredOption('--reason <text>', 'why; kept and shown')
      .option('--expires <duration>', 'how long it holds, such as 2h; needed for a job')
      .option('--team', 'the name is a team’s'),
  ).action(async (name: string, key: string, value: string, options: ChangeOptions) => {
    const { expires, reason } = options;
    if (!options.team && expires === undefined)
      throw new CommandError(exitCodes.usage, 'an override of a job needs an end: --expires 2h', {
        fix: 'for good, write it into the route: spec.config',
      });
    const api = await connect(options);
    const json = { value, reason, ...(expires === undefined ? {} : { expiresIn: expires }) };
    const path = await pathOf(api, name, key, options);
    tell(await api.put<ConfigEntryView>(path, { json }));
  });
}

function registerUnset(group: Command): void {
  addApiOptions(
    group
      .command('unset')
      .summary('end an override before its time')
      .argument('<job>', 'a job, or a route with one sink; with --team a team')
      .argument('<key>')
      .requiredOption('--reason <text>', 'why; kept and shown')
      .option('--team', 'the name is a team’s'),
  ).action(async (name: string, key: string, options: ChangeOptions) => {
    const api = await connect(options);
    const path = await pathOf(api, name, key, options);
    tell(await api.remove<ConfigEntryView>(path, { query: { reason: options.reason } }));
  });
}

async function pathOf(
  api: Awaited<ReturnType<typeof connect>>,
  name: string,
  key: string,
  { team }: ChangeOptions,
): Promise<string> {
  const of = team ? `/v1/teams/${encodeURIComponent(name)}` : jobPath((await findJob(api, name)).name);
  return `${of}/config/${encodeURIComponent(key)}`;
}

function tell({ subject, key, value, live, expiresAt }: ConfigEntryView): void {
  const until = expiresAt === undefined ? '' : ` until ${expiresAt}`;
  const how = live ? 'running workers take it over' : 'its workers are replaced';
  const what = value === null ? `${key} cleared` : `${key} = ${value}${until}`;
  say(`${subject}: ${what}; ${how}`);
}

async function listParameters({ output }: { readonly output: OutputFormat }): Promise<void> {
  const rows = parameters.map(({ key, summary, live, form, field }) => ({
    ...{ key, values: describeForm(form), live, summary },
    ...(field === undefined ? {} : { field }),
  }));
  await printAs(output, {
    ...{ value: rows, names: () => rows.map(({ key }) => key) },
    table: () =>
      formatTable(
        [
          { heading: 'parameter', cell: (row) => row.key },
          { heading: 'values', cell: (row) => row.values },
          { heading: 'live', cell: (row) => (row.live ? 'yes' : 'no') },
          { heading: 'what', cell: (row) => row.summary },
        ],
        rows,
      ),
  });
}
