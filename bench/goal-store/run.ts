// The goal store at size, through the API: how long a get and an apply take at a steady rate, and whether the last page of a list costs what the first does.
// Usage: npm run bench:goal-store [-- --routes N] [--revisions N] [--streams N] [--rate N[,N…]] [--seconds N] [--warm N] [--profile DIR]
// Half of the requests are gets, half applies, at one rate after the other, for so many seconds each; `warm` of them come before those
// that count. Beside the times it tells the processor time that a request costs in each program, which a busy machine changes less;
// `profile` keeps the API's CPU profile in that folder. What is promised is asked of the last rate.
// One line of JSON on standard output, progress on standard error; exit code 0 if the promises hold.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { openDatabase } from '#adapters/postgres/database.ts';
import { migrate } from '#adapters/postgres/migrations.ts';
import { defaultBucket, environment } from '#core/names.ts';
import { ownDynamodb, ownPostgres, ownS3, testAccessKey } from '#test/support/own-parts.ts';
import { toolArguments } from '#test/support/tool-arguments.ts';
import { processIn, processorSeconds } from './processor-time.ts';
import { seedGoals } from './seed.ts';

const { values } = toolArguments(import.meta.filename, {
  options: {
    routes: { type: 'string', default: '10000' },
    revisions: { type: 'string', default: '100' },
    streams: { type: 'string', default: '1000' },
    rate: { type: 'string', default: '25,50,100' },
    seconds: { type: 'string', default: '20' },
    warm: { type: 'string', default: '2000' },
    profile: { type: 'string' },
  },
});
const size = { routes: Number(values.routes), revisions: Number(values.revisions), streams: Number(values.streams) };
const rates = values.rate.split(',').map(Number);
const seconds = Number(values.seconds);
const tell = (line: string): void => console.error(line);
const p99MsMax = 50;
const warmersMax = 4;

interface Served {
  readonly url: string;
  readonly process: ChildProcess;
}

async function serve(env: Readonly<Record<string, string>>): Promise<Served> {
  const main = join(import.meta.dirname, '../../functions/serve.ts');
  const profile = values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`];
  const child = spawn(process.execPath, ['--no-warnings', ...profile, main], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ready = Promise.withResolvers<string>();
  // Its log goes on being read, so that it is never held up by it.
  child.stderr!.on('data', (chunk: Buffer) => {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(String(chunk))?.[0];
    if (url !== undefined) ready.resolve(url);
  });
  child.once('exit', (code) => ready.reject(new Error(`the API ended, exit code ${code}`)));
  return { url: await ready.promise, process: child };
}

const routeName = (index: number): string => `r-${String(index).padStart(6, '0')}`;

const agent = new Agent({ keepAlive: true, maxSockets: 128 });

/** Bare, so that the one who asks takes little of the processors that those who answer are on. */
async function timed(method: 'GET' | 'PUT', url: string, body = ''): Promise<number> {
  const startedMs = performance.now();
  const headers = body === '' ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const sent = request(url, { method, agent, headers });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  if (response.statusCode !== 200)
    throw new Error(`${response.statusCode}: ${Buffer.concat(chunks).toString().slice(0, 300)}`);
  return performance.now() - startedMs;
}

function routeOf(index: number, than: number) {
  const stream = (index % size.streams) + 1;
  return {
    ...{ apiVersion: 'millrace/v1', kind: 'Route', metadata: { name: routeName(index), owner: 'fleet' } },
    spec: { from: `s-${stream}`, where: `x > ${than}`, to: [{ name: 'out', stream: `o-${stream}` }] },
  };
}

/** At their times whatever becomes of those before: a slow answer makes no room for itself. */
async function atRate(
  rate: number,
  act: (turn: number) => { readonly kind: 'get' | 'apply'; readonly done: Promise<number> },
) {
  const took = { get: [] as number[], apply: [] as number[] };
  const open: Promise<void>[] = [];
  const startedMs = performance.now();
  for (let turn = 0; turn < rate * seconds; turn++) {
    const dueMs = startedMs + (turn * 1_000) / rate;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const { kind, done } = act(turn);
    open.push(done.then((ms) => void took[kind].push(ms)));
  }
  await Promise.all(open);
  tell(
    `${rate} a second: ${took.get.length} gets, ${took.apply.length} applies in ${Math.round((performance.now() - startedMs) / 1_000)} s`,
  );
  return took;
}

/** Seconds of processor time so far. */
const spentBy = ({ api, postgres, dynamodb }: Readonly<Record<'api' | 'postgres' | 'dynamodb', number>>) => ({
  ...{ api: processorSeconds(api), postgres: processorSeconds(postgres), dynamodb: processorSeconds(dynamodb) },
  bench: process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6,
});

type Spent = ReturnType<typeof spentBy>;

const perRequest = (before: Spent, after: Spent, requests: number): Spent => {
  const of = (program: keyof Spent): number => round(((after[program] - before[program]) * 1_000) / requests);
  return { api: of('api'), postgres: of('postgres'), dynamodb: of('dynamodb'), bench: of('bench') };
};

const round = (ms: number): number => Number(ms.toFixed(1));

function summary(ms: readonly number[]) {
  const sorted = [...ms].sort((a, b) => a - b);
  const at = (share: number): number => round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!);
  return { p50: at(0.5), p99: at(0.99), max: round(sorted.at(-1)!) };
}

/** The median of some, page by page, for the first and the last page of a list. */
async function pagesOf(url: string, list: string, lastCursor: string) {
  const median = async (query: string): Promise<number> => {
    const all: number[] = [];
    for (let turn = 0; turn < 7; turn++) all.push(await timed('GET', `${url}${list}?limit=20${query}`));
    return round(all.sort((a, b) => a - b)[3]!);
  };
  return { first: await median(''), last: await median(`&cursor=${lastCursor}`) };
}

await using postgres = await ownPostgres();
await using dynamodb = await ownDynamodb();
await using s3 = await ownS3();
const database = openDatabase({ url: postgres.address, applicationName: 'bench' });
await migrate(database);
await database.close();
const seededMs = performance.now();
await seedGoals(postgres.address, size);
tell(
  `${size.routes} routes with ${size.revisions} revisions each, in ${Math.round((performance.now() - seededMs) / 1_000)} s`,
);
const api = await serve({
  [environment.stage]: 'local',
  [environment.postgresUrl]: postgres.address,
  [environment.dynamodbEndpoint]: dynamodb.address,
  [environment.s3Endpoint]: s3.address,
  [environment.kafkaBrokers]: '127.0.0.1:9',
  [environment.bucket]: defaultBucket,
  [environment.logLevel]: 'info',
  ...{ AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: testAccessKey.accessKeyId },
  AWS_SECRET_ACCESS_KEY: testAccessKey.secretAccessKey,
});
try {
  const { url } = api;
  const firstMs = round(await timed('GET', `${url}/v1/routes/${routeName(1)}`));
  tell(`first answer after ${firstMs} ms`);
  const spread = (turn: number): number => ((turn * 7_919) % size.routes) + 1;
  const ask = (turn: number): { readonly kind: 'get' | 'apply'; readonly done: Promise<number> } => {
    const index = spread(turn);
    const place = `${url}/v1/routes/${routeName(index)}`;
    return turn % 2 === 0
      ? { kind: 'get', done: timed('GET', place) }
      : { kind: 'apply', done: timed('PUT', place, JSON.stringify(routeOf(index, 1_000 + turn))) };
  };
  let turns = 0;
  const warm = async (): Promise<void> => {
    while (turns < Number(values.warm)) await ask(turns++).done;
  };
  await Promise.all(Array.from({ length: warmersMax }, warm));
  const programs = { api: api.process.pid!, postgres: processIn(postgres.data), dynamodb: processIn(dynamodb.data) };
  const atRates = [];
  for (const rate of rates) {
    const first = turns;
    const before = spentBy(programs);
    const took = await atRate(rate, (turn) => ask(first + turn));
    turns += rate * seconds;
    const cpuMs = perRequest(before, spentBy(programs), rate * seconds);
    atRates.push({ rate, getMs: summary(took.get), applyMs: summary(took.apply), cpuMs });
    tell(JSON.stringify(atRates.at(-1)));
  }
  const beforeLast = routeName(size.routes - 21);
  const pages = {
    routes: await pagesOf(url, '/v1/routes', beforeLast),
    jobs: await pagesOf(url, '/v1/jobs', `${beforeLast}.out`),
    revisions: await pagesOf(url, `/v1/routes/${routeName(7)}/revisions`, '21'),
  };
  const steady = Object.values(pages).every(({ first, last }) => last <= 2 * first + 5);
  const { getMs, applyMs } = atRates.at(-1)!;
  const ok = getMs.p99 < p99MsMax && applyMs.p99 < p99MsMax && steady;
  console.log(JSON.stringify({ ...size, seconds, firstMs, rates: atRates, pagesMs: pages, ok }));
  process.exitCode = ok ? 0 : 1;
} finally {
  api.process.kill('SIGTERM');
  await once(api.process, 'exit');
}
