// Declarations through the API: real HTTP, real PostgreSQL, Kafka and DynamoDB.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { topicOfStream } from '#core/names.ts';
import { type ApiRig, startApi } from '#test/support/api-rig.ts';

let api: ApiRig;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

let nameCount = 0;
const newName = (): string => `n${process.pid % 10_000}-${++nameCount}`;

const stream = (name: string, spec: object = {}, owner = 'team') => ({
  apiVersion: 'millrace/v1',
  kind: 'Stream',
  metadata: { name, owner },
  spec,
});
const route = (name: string, from: string, to: string, more: object = {}, owner = 'team') => ({
  apiVersion: 'millrace/v1',
  kind: 'Route',
  metadata: { name, owner },
  spec: { from, ...more, to: [{ name: 'out', stream: to }] },
});
const put = (
  document: { kind: string; metadata: { name: string } },
  headers: Record<string, string> = {},
  query = '',
) =>
  api.call('PUT', `/v1/${document.kind === 'Stream' ? 'streams' : 'routes'}/${document.metadata.name}${query}`, {
    json: document,
    headers,
  });
const typed = { schema: { fields: { id: 'text', n: 'bigint', country: 'text' } } };

describe('applying', () => {
  test('a stream is created, unchanged, changed; its revision is the ETag, its author and reason are kept', async () => {
    const name = newName();
    const created = await put(stream(name, typed), { 'millrace-author': 'ada', 'millrace-reason': 'first' });
    expect(created.status).toBe(201);
    expect(created.headers.get('etag')).toBe('"1"');
    expect(created.json).toMatchObject({
      outcome: 'created',
      resource: {
        kind: 'Stream',
        revision: 1,
        author: 'ada',
        reason: 'first',
        spec: typed,
      },
    });
    expect(created.json.resource).not.toHaveProperty('status');
    expect((await api.call('GET', `/v1/streams/${name}`)).json.status.phase).toBe('Pending');
    const again = await put(stream(name, typed));
    expect([again.status, again.json.outcome, again.headers.get('etag')]).toEqual([200, 'unchanged', '"1"']);
    const changed = await put(stream(name, { ...typed, retention: '1h' }), {}, '?reason=shorter');
    expect(changed.json).toMatchObject({ outcome: 'changed', resource: { revision: 2, reason: 'shorter' } });
    const read = await api.call('GET', `/v1/streams/${name}`);
    expect(read.headers.get('etag')).toBe('"2"');
    expect(read.json).toMatchObject({ revision: 2, spec: { retention: '1h' } });
    expect(Object.keys(read.json.spec.schema.fields)).toEqual(['id', 'n', 'country']);
    const history = await api.call('GET', `/v1/streams/${name}/revisions`);
    expect(history.json.items).toMatchObject([
      { revision: 2, reason: 'shorter', changes: [{ path: 'spec.retention', after: '1h' }] },
      { revision: 1, author: 'ada', reason: 'first', changes: [] },
    ]);
  });

  test('a change on a revision that is stale is refused with the current one [fault 3]', async () => {
    const name = newName();
    await put(stream(name), { 'if-none-match': '*' });
    const taken = await put(stream(name, { partitions: 8 }), { 'if-none-match': '*' });
    expect([taken.status, taken.json.currentRevision]).toEqual([412, 1]);
    expect((await put(stream(name, { partitions: 8 }), { 'if-match': '"1"' })).status).toBe(200);
    const stale = await put(stream(name, { partitions: 9 }), { 'if-match': '"1"' });
    expect([stale.status, stale.json.code, stale.json.currentRevision]).toEqual([412, 'revision-stale', 2]);
    expect((await put(stream(newName()), { 'if-match': '*' })).status).toBe(412);
    const weak = await put(stream(name, { partitions: 9 }), { 'if-match': 'W/"2"' });
    expect(weak.status).toBe(412);
  });

  test('with an idempotency key a lost answer is given again, and the key serves no other request [fault 1]', async () => {
    const name = newName();
    const headers = { 'idempotency-key': `key-${name}`, 'if-none-match': '*' };
    const first = await put(stream(name), headers);
    const again = await put(stream(name), headers);
    expect([again.status, again.json.outcome, again.json.resource.revision]).toEqual([201, 'created', 1]);
    expect(again.json.resource.uid).toBe(first.json.resource.uid);
    const other = await put(stream(newName()), { 'idempotency-key': `key-${name}` });
    expect([other.status, other.json.code]).toEqual([422, 'idempotency-key-reused']);
  });

  test.each([
    ['any revision', '*'],
    ['one of several revisions', '"1", "7"'],
  ])('so it is where the change wanted %s [fault 1]', async (_, wanted) => {
    const name = newName();
    await put(stream(name));
    const headers = { 'idempotency-key': `key-${name}`, 'if-match': wanted };
    const answers = [];
    for (let turn = 0; turn < 2; turn++) answers.push(await put(stream(name, { partitions: 8 }), headers));
    expect(answers.map(({ status, json }) => [status, json.outcome, json.resource.revision])).toEqual([
      [200, 'changed', 2],
      [200, 'changed', 2],
    ]);
    const other = await put(stream(name, { partitions: 8 }), { ...headers, 'if-match': '"2"' });
    expect([other.status, other.json.code]).toEqual([422, 'idempotency-key-reused']);
    const stale = await put(stream(name, { partitions: 9 }), {
      ...headers,
      'idempotency-key': `late-${name}`,
      'if-match': '"1", "7"',
    });
    expect([stale.status, stale.json.currentRevision]).toEqual([412, 2]);
  });

  test('two clients that change one revision at the same time: one wins, the other is told [fault 2]', async () => {
    const name = newName();
    await put(stream(name));
    const answers = await Promise.all(
      [5, 6, 7, 8].map((partitions) => put(stream(name, { partitions }), { 'if-match': '"1"' })),
    );
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 412, 412, 412]);
  });

  test('changes that are fine alone and a cycle together: one of them is refused, however they race', async () => {
    const [a, b] = [newName(), newName()];
    await Promise.all([put(stream(a)), put(stream(b))]);
    const answers = await Promise.all([put(route(`${a}-r`, a, b)), put(route(`${b}-r`, b, a))]);
    expect(answers.map((answer) => answer.status).sort()).toEqual([201, 422]);
    expect(answers.find((answer) => answer.status === 422)?.json.detail).toMatch(/cycle/);
  });

  test('many clients at once: every one gets through', async () => {
    const names = Array.from({ length: 20 }, newName);
    const answers = await Promise.all(names.map((name) => put(stream(name))));
    expect(answers.map((answer) => answer.status)).toEqual(Array(20).fill(201));
  });

  test('what does not parse or type is refused with place and remedy', async () => {
    const name = newName();
    await put(stream(name, typed));
    const unknown = await put({ ...stream(newName()), spec: { partitons: 3 } } as never);
    expect([unknown.status, unknown.json.code]).toEqual([422, 'declaration-refused']);
    expect(unknown.json.problems).toMatchObject([
      { path: 'spec.partitons', message: expect.stringContaining('partitions') },
    ]);
    const wrong = await put(route(newName(), name, newName(), { where: "contry = 'se'" }));
    expect(wrong.status).toBe(422);
    expect(wrong.json.problems).toMatchObject([{ path: 'spec.where', line: 1, column: 1 }]);
    const missing = await put(route(newName(), `${name}x`, newName()));
    expect(missing.json.problems[0].message).toContain(JSON.stringify(name));
    const misnamed = await api.call('PUT', `/v1/streams/${newName()}`, { json: stream(name) });
    expect(misnamed.json.problems).toMatchObject([{ path: 'metadata.name' }]);
  });

  test('a failing test of the route refuses it', async () => {
    const name = newName();
    await put(stream(name, typed));
    const tests = [{ name: 'keeps se', given: [{ id: 'a', country: 'us' }], expect: [{ id: 'a' }] }];
    const refused = await put(route(newName(), name, newName(), { where: "country = 'se'", tests }));
    expect([refused.status, refused.json.problems[0].path]).toEqual([422, 'spec.tests[0]']);
  });

  test('a name of another owner is not taken', async () => {
    const name = newName();
    await put(stream(name));
    const taken = await put(stream(name, {}, 'others'));
    expect([taken.status, taken.json.code]).toEqual([409, 'owned-by-another']);
  });

  test('a dry run tells and changes nothing', async () => {
    const name = newName();
    const plan = await put(stream(name), {}, '?dryRun=true');
    expect(plan.json).toMatchObject({ wouldChange: true, refused: false, changes: [{ outcome: 'create' }] });
    expect((await api.call('GET', `/v1/streams/${name}`)).status).toBe(404);
  });

  test('several documents are applied as their plan told, all or none, or refused since the world has moved on', async () => {
    const [from, to] = [newName(), newName()];
    const documents = [stream(from, typed), route(`${from}-r`, from, to, { where: 'n > 1' })];
    const hash = (await api.call('POST', '/v1/plan', { json: { documents } })).json.hash;
    await put(stream(from, { ...typed, retention: '1h' }));
    const apply = (plan: string) => api.call('POST', `/v1/apply?plan=${plan}&reason=both`, { json: { documents } });
    const refused = await apply(hash);
    expect([refused.status, refused.json.code]).toEqual([412, 'plan-moved']);
    expect((await api.call('GET', `/v1/routes/${from}-r`)).status).toBe(404);
    const now = (await api.call('POST', '/v1/plan', { json: { documents } })).json.hash;
    const done = await apply(now);
    expect([done.status, done.json.items.map((item: { outcome: string }) => item.outcome)]).toEqual([
      200,
      ['changed', 'created'],
    ]);
    expect((await api.call('GET', `/v1/routes/${from}-r`)).json).toMatchObject({ revision: 1, reason: 'both' });
    // What it told has been done: told again, nothing would be, which is another plan.
    expect((await apply(now)).status).toBe(412);
  });

  test('several documents are planned together', async () => {
    const [from, to] = [newName(), newName()];
    const documents = [stream(from, typed), route(`${from}-r`, from, to, { where: 'n > 3' })];
    const plan = await api.call('POST', '/v1/plan', { json: { documents } });
    expect([plan.status, plan.json.refused, plan.json.changes.length]).toEqual([200, false, 2]);
    const bad = await api.call('POST', '/v1/plan', {
      json: { documents: [stream('Bad Name'), stream(from, { x: 1 })] },
    });
    expect(bad.status).toBe(422);
    expect(bad.json.problems).toMatchObject([{ document: 'Stream Bad Name' }, { document: `Stream ${from}` }]);
  });
});

describe('deleting', () => {
  test('a stream that is read is kept, and its readers are named; an unread one goes, its history stays', async () => {
    const [from, to] = [newName(), newName()];
    await put(stream(from));
    await put(route(`${from}-r`, from, to));
    const refused = await api.call('DELETE', `/v1/streams/${from}`);
    expect([refused.status, refused.json.code]).toEqual([409, 'in-use']);
    expect(refused.json.detail).toContain(`${from}-r`);
    expect((await api.call('DELETE', `/v1/routes/${from}-r`, { headers: { 'if-match': '"7"' } })).status).toBe(412);
    expect((await api.call('DELETE', `/v1/routes/${from}-r`)).status).toBe(204);
    expect((await api.call('DELETE', `/v1/streams/${from}`)).status).toBe(204);
    expect((await api.call('GET', `/v1/streams/${from}`)).status).toBe(404);
    expect((await api.call('DELETE', `/v1/streams/${from}`)).status).toBe(404);
    const history = await api.call('GET', `/v1/streams/${from}/revisions`);
    expect(history.json.items).toMatchObject([{ revision: 2, deleted: true }, { revision: 1 }]);
  });

  test('a route that makes the stream another route reads is kept, and cannot be turned elsewhere', async () => {
    const [a, b, c] = [newName(), newName(), newName()];
    await put(stream(a));
    await put(route(`${a}-r`, a, b));
    await put(route(`${b}-r`, b, c));
    const refused = await api.call('DELETE', `/v1/routes/${a}-r`);
    expect([refused.status, refused.json.detail]).toEqual([409, expect.stringContaining(`${b}-r`)]);
    const turned = await put(route(`${a}-r`, a, `${b}-other`));
    expect([turned.status, turned.json.detail]).toEqual([422, expect.stringContaining(`${b}-r`)]);
    const implied = await api.call('DELETE', `/v1/streams/${c}`);
    expect([implied.status, implied.json.code]).toEqual([409, 'stream-implied']);
  });

  test.each([
    ['without a condition', {}],
    ['of any revision', { 'if-match': '*' }],
    ['of one of several revisions', { 'if-match': '"1", "7"' }],
  ])('a deletion %s whose answer was lost is answered as the first time', async (_, condition) => {
    const name = newName();
    await put(stream(name));
    const headers = { 'idempotency-key': `delete-${name}`, ...condition };
    expect((await api.call('DELETE', `/v1/streams/${name}`, { headers })).status).toBe(204);
    expect((await api.call('DELETE', `/v1/streams/${name}`, { headers })).status).toBe(204);
    expect((await api.call('GET', `/v1/streams/${name}/revisions`)).json.items).toHaveLength(2);
    const late = { headers: { ...headers, 'idempotency-key': `late-${name}` } };
    expect((await api.call('DELETE', `/v1/streams/${name}`, late)).status).toBe('if-match' in condition ? 412 : 404);
  });
});

describe('reading', () => {
  test('an implied stream is shown as if declared, with who makes and reads it', async () => {
    const [a, b] = [newName(), newName()];
    await put(stream(a, typed));
    await put(route(`${a}-r`, a, b, { select: 'id, n * 2 AS double' }));
    const view = await api.call('GET', `/v1/streams/${b}`);
    expect(view.json).toMatchObject({
      ...{ revision: 0, impliedBy: `${a}-r`, metadata: { owner: 'team' } },
      spec: { partitions: 4, schema: { fields: { id: 'text', double: 'bigint' } } },
      status: { phase: 'Pending', topic: b, writers: [`${a}-r`], readers: [] },
    });
    await api.parts.broker.create(topicOfStream('default', b), 4, {});
    await api.call('POST', `/v1/streams/${b}/records`, { json: [{ id: 'a' }] });
    const ready = await api.call('GET', `/v1/streams/${b}`);
    expect(ready.json.status).toMatchObject({ phase: 'Ready', records: 1, observed: { partitions: 4 } });
  });

  test('lists come in pages that hold each name once', async () => {
    for (const path of ['/v1/streams', '/v1/routes', '/v1/jobs']) {
      const names: string[] = [];
      let cursor = '';
      do {
        const page = await api.call('GET', `${path}?limit=3${cursor}`);
        expect([page.status, page.json.items.length > 3]).toEqual([200, false]);
        names.push(
          ...page.json.items.map(
            (item: { name?: string; metadata?: { name: string } }) => item.name ?? item.metadata?.name,
          ),
        );
        cursor = page.json.cursor === undefined ? '' : `&cursor=${encodeURIComponent(page.json.cursor)}`;
      } while (cursor !== '');
      expect(names.length).toBeGreaterThan(3);
      expect(names).toEqual([...new Set(names)].sort());
    }
  });

  test('a name that is not there is answered with the nearest that are', async () => {
    const name = newName();
    await put(stream(`${name}-events`));
    await put(route(`${name}-plays`, `${name}-events`, `${name}-out`));
    for (const [path, near] of [
      [`/v1/streams/${name}-event`, `${name}-events`],
      [`/v1/routes/${name}-playz`, `${name}-plays`],
      [`/v1/jobs/${name}-plays.ou`, `${name}-plays.out`],
      [`/v1/streams/${name}-event/revisions`, `${name}-events`],
      [`/v1/streams/${name}-event/records`, `${name}-events`],
      [`/v1/jobs/${name}-plays.ou/events`, `${name}-plays.out`],
    ] as const) {
      const answer = await api.call('GET', path);
      expect([answer.status, answer.json.fix]).toEqual([404, expect.stringContaining(near)]);
    }
  });

  test('a job waits for the reconciler, and shows what the goal store knows of it', async () => {
    const name = newName();
    await put(stream(name));
    await put(route(`${name}-r`, name, `${name}-out`));
    const job = await api.call('GET', `/v1/jobs/${name}-r.out`);
    expect(job.json).toMatchObject({
      ...{ kind: 'Job', name: `${name}-r.out`, from: name, to: `${name}-out`, paused: false },
      status: { phase: 'Pending', runningRevision: null, workers: [] },
    });
    const of = await api.call('GET', `/v1/routes/${name}-r`);
    expect(of.json.status.jobs).toMatchObject([{ name: `${name}-r.out`, status: { phase: 'Pending' } }]);
  });
});

describe('operations and events', () => {
  test('an operation is asked for once a key, and leaves a receipt', async () => {
    const name = newName();
    await put(stream(name));
    await put(route(`${name}-r`, name, `${name}-out`));
    const path = `/v1/jobs/${name}-r.out/operations`;
    const headers = { 'idempotency-key': `op-${name}`, 'millrace-author': 'grace' };
    const asked = await api.call('POST', path, { json: { kind: 'pause', reason: 'tests' }, headers });
    expect(asked.status).toBe(202);
    expect(asked.json).toMatchObject({
      job: `${name}-r.out`,
      kind: 'pause',
      state: 'requested',
      author: 'grace',
      reason: 'tests',
    });
    const again = await api.call('POST', path, { json: { kind: 'pause', reason: 'tests' }, headers });
    expect(again.json.id).toBe(asked.json.id);
    const other = await api.call('POST', path, { json: { kind: 'restart' }, headers });
    expect([other.status, other.json.code]).toEqual([422, 'idempotency-key-reused']);
    const receipt = await api.call('GET', asked.headers.get('location') ?? '');
    expect(receipt.json).toEqual(asked.json);
    expect((await api.call('GET', path)).json.items).toHaveLength(1);
    expect((await api.call('GET', `${path}/${crypto.randomUUID()}`)).status).toBe(404);
    expect((await api.call('POST', path, { json: { kind: 'rewind' } })).status).toBe(422);
    expect((await api.call('GET', `/v1/jobs/${name}-r.out`)).json).toMatchObject({ paused: true });
  });

  test('a switch that is asked for twice at once, by a caller that had no answer in time, is done once and not failed', async () => {
    const name = newName();
    await put(stream(name));
    await put(route(`${name}-r`, name, `${name}-out`));
    const { goals } = api.parts;
    const look = goals.repeatedOperation;
    const both = Promise.withResolvers<void>();
    let looks = 0;
    // Both have looked whether it was asked for before either of them asks for it.
    goals.repeatedOperation = async (wish) => {
      const known = await look.call(goals, wish);
      if (++looks === 2) both.resolve();
      await both.promise;
      return known;
    };
    const headers = { 'idempotency-key': `op-${name}` };
    const path = `/v1/jobs/${name}-r.out/operations`;
    const ask = () => api.call('POST', path, { json: { kind: 'switch', sink: `${name}-other` }, headers });
    const asked = await Promise.all([ask(), ask()]).finally(() => {
      goals.repeatedOperation = look;
    });
    expect(asked.map(({ status }) => status)).toEqual([202, 202]);
    expect((await api.call('GET', path)).json.items).toMatchObject([{ id: asked[0].json.id, state: 'requested' }]);
    const declared = await api.call('GET', `/v1/routes/${name}-r`);
    expect(declared.json).toMatchObject({ revision: 2, spec: { to: [{ stream: `${name}-other` }] } });
  });

  test('what the reconciler tells of a job or stream is listed newest first', async () => {
    const name = newName();
    await put(stream(name));
    await put(route(`${name}-r`, name, `${name}-out`));
    expect((await api.call('GET', `/v1/jobs/${name}-r.out/events`)).json).toEqual({ items: [] });
    const event = { tenant: 'default', at: 0, severity: 'info', reason: 'TopicCreated', message: 'made' } as const;
    await api.parts.goals.appendEvents([
      { ...event, subject: `stream/${name}`, evidence: { partitions: 4 } },
      { ...event, subject: `job/${name}-r.out`, message: 'one' },
      { ...event, subject: `job/${name}-r.out`, message: 'two' },
    ]);
    const first = await api.call('GET', `/v1/jobs/${name}-r.out/events?limit=1`);
    expect(first.json.items).toMatchObject([{ message: 'two', at: '1970-01-01T00:00:00.000Z' }]);
    const second = await api.call('GET', `/v1/jobs/${name}-r.out/events?limit=1&cursor=${first.json.cursor}`);
    expect(second.json.items).toMatchObject([{ message: 'one' }]);
    const ofStream = await api.call('GET', `/v1/streams/${name}/events`);
    expect(ofStream.json.items).toMatchObject([{ subject: `stream/${name}`, evidence: { partitions: 4 } }]);
  });
});
