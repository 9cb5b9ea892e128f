// `millrace quickstart`, what `npm start` runs: starts the platform, applies the first example, and shows events arriving.
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import type { LocalPlatform } from '#adapters/local/host.ts';
import type { PlatformFile } from '#adapters/local/platform-file.ts';
import { type ApiClient, createApiClient } from '#cli/api-client.ts';
import { type ApiOptions, dataDirOf } from '#cli/connect.ts';
import { CommandError, exitCodes } from '#cli/exit.ts';
import { produceLines } from '#cli/input/produce-lines.ts';
import { readRecords } from '#cli/input/read-records.ts';
import { jobPath } from '#cli/jobs/find-job.ts';
import { jobFlows, streamReady, waitForAll } from '#cli/jobs/wait-for-jobs.ts';
import { plural, showDuration } from '#cli/print/quantity.ts';
import { note, type Paint, paintFor } from '#cli/terminal.ts';
import type { JobView } from '#core/api/wire.ts';

const example = join(import.meta.dirname, '../../examples/quickstart');
const source = 'playback-events';
const sink = 'plays';
const job = 'plays.out';
const arriveWithinMs = 30_000;
const pollMs = 100;

interface QuickstartOptions extends Pick<ApiOptions, 'data'> {
  readonly exit?: boolean;
}

export function registerQuickstart(program: Command): void {
  program
    .command('quickstart', { hidden: true })
    .summary('start the platform, apply the first example, show events arriving')
    .option('--data <dir>', 'the data folder (else MILLRACE_DATA_DIR, else .millrace)')
    .addOption(new Option('--exit', 'end after showing, instead of at Ctrl-C').env('MILLRACE_QUICKSTART_EXIT'))
    .action(quickstart);
}

async function quickstart(options: QuickstartOptions): Promise<void> {
  const dataDir = dataDirOf(options);
  const { isRunning, readPlatformFile } = await import('#adapters/local/platform-file.ts');
  const running = readPlatformFile(dataDir);
  if (isRunning(running)) return useRunning(running, dataDir);
  const end = untilSignal();
  const platform = await createPlatform(dataDir);
  end.signal.addEventListener('abort', () => {
    note('stopping the platform; its data stays');
    void platform.stop();
  });
  try {
    const startedAt = performance.now();
    await platform.start();
    note(`platform ready after ${showDuration(performance.now() - startedAt)}`);
    await show(readPlatformFile(dataDir)?.apiUrl ?? '', dataDir);
    if (options.exit) return;
    note('Running until Ctrl-C. The data stays.');
    await new Promise<void>((resolve) => end.signal.addEventListener('abort', () => resolve()));
  } catch (error) {
    // What was under way when Ctrl-C came fails, as it should.
    if (!end.signal.aborted) throw error;
  } finally {
    end.abort();
    await platform.stop();
  }
}

async function useRunning(running: PlatformFile, dataDir: string): Promise<void> {
  if (running.state !== 'ready')
    throw new CommandError(exitCodes.failure, `the platform in ${dataDir} is ${running.state}`, {
      fix: 'wait a moment, then try again',
    });
  note(`a platform runs in ${dataDir} already: using it`);
  await show(running.apiUrl, dataDir);
  note('The platform was running before and goes on. `npx millrace down` stops it.');
}

async function createPlatform(dataDir: string): Promise<LocalPlatform> {
  const { LocalPlatform } = await import('#adapters/local/host.ts');
  // A client library warns of its own timers, which is of no use to whoever sees this for the first time.
  process.removeAllListeners('warning');
  note(
    `starting the platform in ${dataDir} (Kafka, Postgres, DynamoDB Local, an S3 server, the API); the first start downloads them`,
  );
  return new LocalPlatform({ dataDir, tell: (line) => note(`  ${line}`) });
}

async function show(apiUrl: string, dataDir: string): Promise<void> {
  const api = createApiClient(apiUrl, `the platform in ${dataDir}`);
  const paint = paintFor(process.stdout);
  await applyExample(api);
  await showEvents(api, paint);
  showNextSteps(apiUrl, dataDir, paint);
}

/** The first Ctrl-C ends in order; one that comes a second later ends at once (the next start tidies up). */
function untilSignal(): AbortController {
  const end = new AbortController();
  let pressedAt: number | null = null;
  const onSignal = (): void => {
    // npm passes Ctrl-C on to a process that the terminal has told already.
    if (pressedAt !== null && performance.now() - pressedAt > 1_000) process.exit(exitCodes.interrupted);
    pressedAt ??= performance.now();
    end.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  // Whoever watched has gone: the platform is stopped, not left behind.
  process.stdout.removeAllListeners('error').on('error', () => end.abort());
  return end;
}

async function applyExample(api: ApiClient): Promise<void> {
  const { loadDocuments } = await import('#cli/input/documents.ts');
  const { planDocuments, requireAccepted } = await import('#cli/declare/plan-documents.ts');
  const { applyDocuments, describeApplied } = await import('#cli/declare/apply-documents.ts');
  const documents = await loadDocuments([example]);
  requireAccepted(await planDocuments(api, documents), documents);
  const applied = await applyDocuments(api, documents, 'npm start', (one) => note(`  ${describeApplied(one)}`));
  const revision = applied.find(({ document }) => document.kind === 'Route')?.answer.resource.revision ?? 0;
  await waitForAll([streamReady(api, source), jobFlows(api, job, revision)], 60_000);
}

interface Event {
  readonly id: string;
  readonly ts: string;
}

/** The example's events, moved in time so that the last has just happened. */
function eventsNow(): readonly string[] {
  const lines = readFileSync(join(example, 'events.ndjson'), 'utf8').trimEnd().split('\n');
  const last = JSON.parse(lines.at(-1)!) as Event;
  const shiftMs = Date.now() - Date.parse(last.ts);
  return lines.map((line) => {
    const { ts } = JSON.parse(line) as Event;
    return line.replace(ts, new Date(Date.parse(ts) + shiftMs).toISOString());
  });
}

/** Produces the example's events, and shows for each what came of it. */
async function showEvents(api: ApiClient, paint: Paint): Promise<void> {
  const events = eventsNow();
  const before = await api.get<JobView>(jobPath(job));
  const from = new Date().toISOString();
  const bytes = Readable.from([Buffer.from(`${events.join('\n')}\n`)]);
  const outcome = await produceLines(api, source, { bytes, close: () => bytes.destroy() }, 1);
  note(`${plural(outcome.acknowledged, 'event')} produced to ${source}`);
  await untilRead(api, before.status.accounting.in + outcome.acknowledged);
  const arrived = new Map<string, string>();
  const signal = AbortSignal.timeout(arriveWithinMs);
  // The example's events are small.
  const how = { withMetadata: false, follow: false, signal, onTooLong: () => {} };
  for await (const line of readRecords(api, { stream: sink, from, ...how })) {
    const text = Buffer.from(line).toString('utf8');
    arrived.set((JSON.parse(text) as Event).id, text);
  }
  const passed = events.filter((event) => arrived.has((JSON.parse(event) as Event).id)).length;
  process.stdout.write(`\n${paint('bold', `${source} → ${sink}`)}  (${passed} of ${events.length} pass the route)\n`);
  for (const event of events)
    process.stdout.write(formatArrival(event, arrived.get((JSON.parse(event) as Event).id), paint));
}

const formatArrival = (before: string, after: string | undefined, paint: Paint): string =>
  after === undefined
    ? paint('dim', `  · ${before}\n`)
    : `  ${paint('green', '✓')} ${before}\n    ${paint('green', `→ ${after}`)}\n`;

/** The job's own books say when it has read all of them. */
async function untilRead(api: ApiClient, inCount: number): Promise<void> {
  const startedAt = performance.now();
  while (performance.now() - startedAt < arriveWithinMs) {
    const { status } = await api.get<JobView>(jobPath(job));
    if (status.accounting.in >= inCount) return;
    await sleep(pollMs);
  }
  throw new CommandError(exitCodes.timeout, `${job} has not read the events within ${showDuration(arriveWithinMs)}`, {
    fix: `npx millrace why ${job}`,
  });
}

function showNextSteps(apiUrl: string, dataDir: string, paint: Paint): void {
  const folder = relative(process.cwd(), dataDir) || '.';
  const steps: readonly (readonly [string, string])[] = [
    ['npx millrace get jobs', 'what runs'],
    [`npx millrace describe job ${job}`, 'how it does, with evidence'],
    [`npx millrace tail ${sink} -f`, 'watch; then, in another terminal:'],
    [`npx millrace produce ${source} -f examples/quickstart/events.ndjson`, 'send the events again'],
    ['npx millrace apply -f examples/nginx-status --wait', 'a second example, on real data'],
  ];
  const longest = Math.max(...steps.map(([command]) => command.length));
  process.stdout.write(
    `\nAPI   ${apiUrl}   (description: ${apiUrl}/v1/openapi.json)\nData  ${folder.startsWith('..') ? dataDir : folder}\n\nTry next\n` +
      steps.map(([command, why]) => `  ${paint('cyan', command.padEnd(longest))}  ${why}\n`).join('') +
      '\n',
  );
}
