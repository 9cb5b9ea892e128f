// Freezing, deleting and taking back, rolling back, comparing and restoring, through the API: real HTTP, real PostgreSQL.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { jobId } from '#core/names.ts';
import { freshControl } from '#core/plan/control.ts';
import { type ApiRig, startApi } from '#test/support/api-rig.ts';

let api: ApiRig;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

let nameCount = 0;
const newName = (): string => `u${process.pid % 10_000}-${++nameCount}`;

const stream = (name: string, spec: object = {}) => ({
  ...{ apiVersion: 'millrace/v1', kind: 'Stream', metadata: { name, owner: 'team' } },
  spec,
});
const route = (name: string, from: string, where: string) => ({
  ...{ apiVersion: 'millrace/v1', kind: 'Route', metadata: { name, owner: 'team' } },
  spec: { from, where, to: [{ name: 'out', stream: `${name}-out` }] },
});
const put = (document: { kind: string; metadata: { name: string } }, headers: Record<string, string> = {}) =>
  api.call('PUT', `/v1/${document.kind === 'Stream' ? 'streams' : 'routes'}/${document.metadata.name}`, {
    ...{ json: document, headers },
  });

/** A stream and a route that reads it. */
async function aRoute(): Promise<string> {
  const name = newName();
  await put(stream(`${name}-in`, { schema: { fields: { n: 'bigint' } } }));
  await put(route(name, `${name}-in`, 'n > 1'));
  return name;
}
const now = async (): Promise<string> => new Date().toISOString();
const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

describe('a freeze', () => {
  test('is told with who and why, refuses operations, and is lifted once', async () => {
    const name = await aRoute();
    const made = await api.call('PUT', `/v1/freezes/job/${name}.out?reason=tonight`, {
      headers: { 'millrace-author': 'ann' },
    });
    expect([made.status, made.json]).toEqual([
      200,
      expect.objectContaining({ scope: 'job', author: 'ann', reason: 'tonight' }),
    ]);
    const list = await api.call('GET', '/v1/freezes');
    expect(list.json.items).toContainEqual(made.json);
    const refused = await api.call('POST', `/v1/jobs/${name}.out/operations`, { json: { kind: 'pause' } });
    expect([refused.status, refused.json.code]).toEqual([409, 'frozen']);
    const changed = await put(route(name, `${name}-in`, 'n > 2'));
    expect(changed.json.resource).toMatchObject({ kind: 'Route', revision: 2 });
    const { json: frozen } = await api.call('GET', `/v1/routes/${name}`);
    expect(frozen.status.jobs[0].status.conditions).toContainEqual(
      expect.objectContaining({ type: 'InSync', reason: 'Frozen', message: expect.stringContaining('ann has frozen') }),
    );
    expect((await api.call('DELETE', `/v1/freezes/job/${name}.out`)).status).toBe(204);
    expect((await api.call('DELETE', `/v1/freezes/job/${name}.out`)).status).toBe(404);
    expect((await api.call('PUT', '/v1/freezes/job/nobody.out')).status).toBe(404);
  });
});

describe('what another team owns', () => {
  test('is not changed, deleted or stopped by a caller whose teams are known', async () => {
    const name = await aRoute();
    const headers = { 'millrace-teams': 'others, somebody' };
    const document = route(name, `${name}-in`, 'n > 3');
    const answers = [
      await put(document, headers),
      await api.call('POST', '/v1/apply', { json: { documents: [document] }, headers }),
      await api.call('DELETE', `/v1/routes/${name}`, { headers }),
      await api.call('POST', `/v1/jobs/${name}.out/operations`, { json: { kind: 'pause' }, headers }),
      await api.call('PUT', '/v1/freezes/team/team', { headers }),
    ];
    expect(answers.map(({ status, json }) => [status, json.code])).toEqual(answers.map(() => [403, 'not-yours']));
    expect((await put(document, { 'millrace-teams': 'team' })).status).toBe(200);
  });
});

describe('a deletion', () => {
  test('is taken back as the life that it was, once; what is declared, or was never there, is not', async () => {
    const name = await aRoute();
    const before = await api.call('GET', `/v1/routes/${name}`);
    const undelete = () => api.call('POST', `/v1/routes/${name}/undelete?reason=sorry`);
    expect((await undelete()).json.code).toBe('not-deleted');
    await api.call('DELETE', `/v1/routes/${name}`);
    const back = await undelete();
    expect([back.status, back.json.resource]).toEqual([
      200,
      expect.objectContaining({ uid: before.json.uid, revision: 3, reason: 'sorry', spec: before.json.spec }),
    ]);
    expect((await api.call('POST', `/v1/routes/${newName()}/undelete`)).json.code).toBe('nothing-kept');
    await api.call('DELETE', `/v1/routes/${name}`);
    await api.call('DELETE', `/v1/streams/${name}-in`);
    expect((await undelete()).status).toBe(422);
    expect((await api.call('POST', `/v1/streams/${name}-in/undelete`)).status).toBe(200);
    expect((await undelete()).status).toBe(200);
  });
});

describe('a deletion whose time is over', () => {
  test('is not taken back once its positions are being removed', async () => {
    const name = await aRoute();
    const { uid } = (await api.call('GET', `/v1/routes/${name}`)).json;
    await api.call('DELETE', `/v1/routes/${name}`);
    const control = freshControl(jobId('default', `${name}.out`, uid), uid);
    await api.parts.controls.write({ ...control, version: 1, announced: { clearing: 'begun' } });
    const refused = await api.call('POST', `/v1/routes/${name}/undelete`);
    expect([refused.status, refused.json.code]).toEqual([409, 'kept-no-longer']);
    expect((await api.call('GET', `/v1/routes/${name}`)).status).toBe(404);
    // Made anew it is another life, which the removal does not touch.
    const anew = await put(route(name, `${name}-in`, 'n > 1'));
    expect([anew.status, anew.json.resource.uid === uid]).toEqual([201, false]);
  });
});

test('a deletion at once is not taken back where nothing is known of the jobs any more: all of them may be gone', async () => {
  const name = await aRoute();
  await api.call('DELETE', `/v1/routes/${name}?purge=true`);
  const refused = await api.call('POST', `/v1/routes/${name}/undelete`);
  expect([refused.status, refused.json.code]).toEqual([409, 'kept-no-longer']);
});

describe('going back', () => {
  test('declares an earlier revision of a route as a new one, after a plan of it', async () => {
    const name = await aRoute();
    await put(route(name, `${name}-in`, 'n > 2'));
    const path = `/v1/routes/${name}/rollback`;
    const plan = await api.call('POST', `${path}?dryRun=true`, { json: {} });
    expect(plan.json.changes[0].fields).toMatchObject([{ path: 'spec.where', before: 'n > 2', after: 'n > 1' }]);
    const done = await api.call('POST', `${path}?reason=worse`, { json: {} });
    expect(done.json.items).toEqual([{ kind: 'Route', name, outcome: 'changed', revision: 3 }]);
    const read = await api.call('GET', `/v1/routes/${name}`);
    expect(read.json).toMatchObject({ revision: 3, reason: 'back to revision 1: worse', spec: { where: 'n > 1' } });
    const strange = await api.call('POST', path, { json: { to: 9 } });
    expect([strange.status, strange.json.detail]).toEqual([409, expect.stringContaining('revision 9')]);
  });

  test('is refused where the route was changed since its plan was shown, with and without a revision named', async () => {
    const name = await aRoute();
    await put(route(name, `${name}-in`, 'n > 2'));
    const path = `/v1/routes/${name}/rollback`;
    const shown = await Promise.all(
      [{}, { to: 1 }].map(async (json) => ({ json, plan: await api.call('POST', `${path}?dryRun=true`, { json }) })),
    );
    await put(route(name, `${name}-in`, 'n > 3'));
    for (const { json, plan } of shown) {
      const refused = await api.call('POST', `${path}?plan=${plan.json.hash}`, { json });
      expect([refused.status, refused.json.code]).toEqual([412, 'plan-moved']);
    }
    expect((await api.call('GET', `/v1/routes/${name}`)).json).toMatchObject({ revision: 3, spec: { where: 'n > 3' } });
    const again = await api.call('POST', `${path}?dryRun=true`, { json: {} });
    const done = await api.call('POST', `${path}?plan=${again.json.hash}`, { json: {} });
    expect(done.json.items).toEqual([{ kind: 'Route', name, outcome: 'changed', revision: 4 }]);
  });

  test('to a time, for everything, is refused where something was declared since it was shown', async () => {
    const kept = await aRoute();
    await later();
    const then = await now();
    await later();
    await put(route(kept, `${kept}-in`, 'n > 9'));
    const restore = (query: string) => api.call('POST', `/v1/restore?${query}`, { json: { to: then } });
    const shown = await restore('dryRun=true');
    const added = await aRoute();
    await api.call('PUT', '/v1/freezes/fleet');
    try {
      const refused = await restore(`plan=${shown.json.hash}`);
      expect([refused.status, refused.json.code]).toEqual([412, 'plan-moved']);
      expect((await api.call('GET', `/v1/routes/${added}`)).status).toBe(200);
      const again = await restore('dryRun=true');
      const done = await restore(`plan=${again.json.hash}`);
      expect([done.status, done.json]).toEqual([200, again.json]);
    } finally {
      await api.call('DELETE', '/v1/freezes/fleet');
    }
    expect((await api.call('GET', `/v1/routes/${added}`)).status).toBe(404);
  });

  test('to a time, for everything: told, refused without a freeze, and done as one change', async () => {
    const [kept, gone] = [await aRoute(), await aRoute()];
    await later();
    const then = await now();
    await later();
    await put(route(kept, `${kept}-in`, 'n > 9'));
    await api.call('DELETE', `/v1/routes/${gone}`);
    const added = await aRoute();
    const mine = (items: readonly { name: string; outcome: string }[]) =>
      items
        .filter(({ name }) => [kept, gone, added, `${added}-in`].includes(name))
        .map(({ name, outcome }) => [name, outcome])
        .sort();
    const diff = await api.call('GET', `/v1/diff?from=${then}`);
    const changes = [
      [kept, 'changed'],
      [gone, 'deleted'],
      [added, 'created'],
      [`${added}-in`, 'created'],
    ].sort();
    expect(mine(diff.json.items)).toEqual(changes);
    const restore = (query = '') => api.call('POST', `/v1/restore${query}`, { json: { to: then } });
    const told = await restore('?dryRun=true');
    expect(told.status).toBe(200);
    expect(told.json.effects).toContain(`Route ${added}: deleted, as if it had been by hand`);
    expect((await restore()).json.code).toBe('not-frozen');
    await api.call('PUT', '/v1/freezes/fleet');
    try {
      const done = await restore();
      expect([done.status, mine(done.json.items)]).toEqual([
        200,
        [
          [kept, 'changed'],
          [gone, 'created'],
          [added, 'deleted'],
          [`${added}-in`, 'deleted'],
        ].sort(),
      ]);
    } finally {
      await api.call('DELETE', '/v1/freezes/fleet');
    }
    expect((await api.call('GET', `/v1/routes/${kept}`)).json.spec.where).toBe('n > 1');
    expect((await api.call('GET', `/v1/routes/${added}`)).status).toBe(404);
    expect(
      (await api.call('GET', `/v1/diff?from=${then}`)).json.items.filter(({ name }: { name: string }) =>
        [kept, gone, added].includes(name),
      ),
    ).toEqual([]);
  });
});

describe('an approval', () => {
  test('is of jobs that are held, and of no others', async () => {
    expect((await api.call('GET', '/v1/held')).json).toEqual({ items: [] });
    const refused = await api.call('POST', '/v1/held/approvals', { json: { jobs: ['default/a.b@u1'] } });
    expect([refused.status, refused.json.code]).toEqual([409, 'not-held']);
  });
});
