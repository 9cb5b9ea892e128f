// `millrace describe`: one resource as a page: declaration, conditions with evidence, workers, recent events.
import { Argument, type Command } from 'commander';
import type { ApiClient } from '#cli/api-client.ts';
import { type KindPlural, readKind } from '#cli/arguments.ts';
import { type ApiOptions, addApiOptions, connect } from '#cli/connect.ts';
import { findJob, jobPath } from '#cli/jobs/find-job.ts';
import { formatEvent, showTime } from '#cli/print/events.ts';
import { formatJobPage, showPhase } from '#cli/print/job-page.ts';
import { toYaml } from '#cli/print/output.ts';
import { showCount } from '#cli/print/quantity.ts';
import { formatFacts } from '#cli/print/table.ts';
import { oneLine, type Paint, paintFor, withoutControls, writeOut } from '#cli/terminal.ts';
import type { EventView, PageView, RouteView, StreamView } from '#core/api/wire.ts';

const eventsShown = 10;

export function registerDescribe(program: Command): void {
  addApiOptions(
    program
      .command('describe')
      .summary('one stream, route or job as a page, with evidence and recent events')
      .addArgument(new Argument('<kind>', 'stream, route or job').argParser(readKind))
      .argument('<name>'),
  ).action(describe);
}

async function describe(kind: KindPlural, name: string, options: ApiOptions): Promise<void> {
  const api = await connect(options);
  const paint = paintFor(process.stdout);
  await writeOut(await pages[kind](api, name, paint));
}

type Page = (api: ApiClient, name: string, paint: Paint) => Promise<string>;

const pages: Readonly<Record<KindPlural, Page>> = {
  streams: async (api, name) => {
    const stream = await api.get<StreamView>(`/v1/streams/${encodeURIComponent(name)}`);
    const { status } = stream;
    const settings = Object.entries(status.observed?.config ?? {}).map(([key, value]) => `${key}=${value}`);
    return `${formatFacts([
      ['Stream', oneLine(stream.metadata.name)],
      ['Phase', `${status.phase}${status.message === '' ? '' : `: ${oneLine(status.message, 400)}`}`],
      ['Owner', oneLine(stream.metadata.owner)],
      ['Declared', declaredBy(stream, stream.impliedBy)],
      [
        'Topic',
        `${oneLine(status.topic)}${status.observed ? `, ${status.observed.partitions} partitions` : ', not there'}`,
      ],
      ['Settings', withoutControls(settings.join(', '))],
      ['Records', status.records === null ? '' : showCount(status.records)],
      ['Written by', withoutControls(status.writers.join(', '))],
      ['Read by', withoutControls(status.readers.join(', '))],
    ])}\nSpec\n${indent(withoutControls(await toYaml(stream.spec)))}`;
  },
  routes: async (api, name, paint) => {
    const route = await api.get<RouteView>(`/v1/routes/${encodeURIComponent(name)}`);
    const jobs = route.status.jobs.map(
      (job) => `  ${oneLine(job.name)}: ${showPhase(job.status.phase, paint)}: ${oneLine(job.status.message, 300)}\n`,
    );
    return `${formatFacts([
      ['Route', oneLine(route.metadata.name)],
      ['Owner', oneLine(route.metadata.owner)],
      ['Declared', declaredBy(route)],
    ])}\nSpec\n${indent(withoutControls(await toYaml(route.spec)))}\nJobs\n${jobs.join('') || '  none\n'}`;
  },
  jobs: async (api, name, paint) => {
    const job = await findJob(api, name);
    const events = await api.get<PageView<EventView>>(`${jobPath(job.name)}/events`, { query: { limit: eventsShown } });
    const lines = [...events.items].reverse().map((event) => `  ${formatEvent(event, paint, false)}`);
    return `${formatJobPage(job, paint, Date.now())}\nEvents (newest last)\n${lines.join('') || '  none\n'}`;
  },
};

const declaredBy = (resource: StreamView | RouteView, impliedBy?: string): string =>
  impliedBy !== undefined
    ? `not by itself: route ${oneLine(impliedBy)} writes to it`
    : `revision ${resource.revision} by ${oneLine(resource.author)}, ${showTime(resource.updatedAt)}${resource.reason === '' ? '' : ` (${oneLine(resource.reason)})`}`;

const indent = (text: string): string => text.replace(/^(?=.)/gm, '  ');
