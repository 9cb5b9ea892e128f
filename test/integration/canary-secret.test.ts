// A secret is shown to the sink that it is for and stands nowhere else: not in logs, heartbeats, positions, goals, checkpoints or dead letters.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { secretVariable } from '#adapters/environment/secret-store.ts';
import type { HttpSinkGoal } from '#core/job/sink-goal.ts';
import { type ReceivedRequest, type Receiver, startReceiver } from '#test/support/receiver.ts';
import { until } from '#test/support/until.ts';
import { addressesFromEnvironment, WorkerRig } from '../workers/worker-rig.ts';

let rig: WorkerRig;
let receiver: Receiver;
beforeAll(async () => {
  [rig, receiver] = await Promise.all([WorkerRig.open(addressesFromEnvironment()), startReceiver()]);
});
afterAll(async () => {
  await rig.close();
  await receiver.close();
});

const canary = `canary-${randomBytes(12).toString('hex')}`;
const basic = Buffer.from(`ann:${canary}`).toString('base64');
/** A server that tells everybody what it was told: in its status line's text, headers and body. */
const echo = (request: ReceivedRequest, status: number) => ({
  ...{ status, headers: { 'x-echo': request.headers['authorization'] ?? '' } },
  body: JSON.stringify({ error: `you said ${request.headers['authorization']}, which is ${canary} (${basic})` }),
});

test('a sink that repeats the secret in all that it answers gets it nowhere', async () => {
  const base = await rig.job({ partitions: 1 });
  const sink: HttpSinkGoal = {
    ...{ kind: 'http', url: `${receiver.url}/hook`, networks: ['loopback'], keyed: false, method: 'POST' },
    ...{ format: 'array', envelope: false, headers: {}, timeoutMs: 5_000 },
    batch: { maxRecords: 1, maxBytes: 1024 * 1024, maxWaitMs: 1 },
    auth: { secret: 'hook-login', scheme: 'basic' },
  };
  const goal = { ...base, sink };
  // Refused for who it is, then a fault, then one record refused for what it is; the rest is taken.
  const answers = [401, 503, 400, 200];
  receiver.behave((request, index) => echo(request, answers[Math.min(index, answers.length - 1)]!));
  await rig.produce(
    goal.source.topic,
    [1, 2, 3].map((id) => ({ value: JSON.stringify({ id }) })),
  );
  const worker = await rig.start(goal, 1, 0, { [secretVariable('hook-login')]: `ann:${canary}` });
  const books = await rig.accounted(goal, 3, 60_000);
  expect([books.out, books.deadLettered]).toEqual([2, 1]);
  expect(receiver.requests.some(({ headers }) => headers['authorization'] === `Basic ${basic}`)).toBe(true);
  await until(
    async () => ((await rig.objects.list(`checkpoints/${goal.id}/`)).length > 0 ? true : null),
    'a checkpoint',
  );

  const places: Record<string, unknown> = {
    'the log': worker.log,
    heartbeats: await rig.workers.view(goal.id),
    positions: await rig.records(goal),
    'dead letters': (await rig.read(goal.deadLetterTopic)).map(({ value, headers }) => [
      String(value),
      ...Object.values(headers).map(String),
    ]),
  };
  for (const key of (await rig.objects.list('')).filter((each) => each.includes(goal.id)))
    places[key] = Buffer.from((await rig.objects.get(key)) ?? []).toString();
  worker.child.kill('SIGTERM');
  await worker.exited;
  places['the log at the end'] = worker.log;
  expect(Object.keys(places).length).toBeGreaterThan(6);
  expect(places['dead letters']).toHaveLength(1);
  const found = Object.entries(places)
    .map(([place, content]) => [place, JSON.stringify(content)] as const)
    .filter(([, text]) => text.includes(canary) || text.includes(basic))
    .map(([place]) => place);
  expect(found).toEqual([]);
});
