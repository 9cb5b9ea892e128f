// Configuration through the API: overrides that have a reason and an end, and an explanation of every value.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Answered, type ApiRig, startApi } from '#test/support/api-rig.ts';
import { aDeclaration } from '#test/support/documents.ts';
import { until } from '#test/support/until.ts';

let api: ApiRig;
beforeAll(async () => {
  api = await startApi({ MILLRACE_CONFIG: '{"worker.checkpointsKept": 5}' });
  await api.call('PUT', '/v1/streams/in', { json: aDeclaration('Stream', 'in', {}) });
  const spec = { from: 'in', to: [{ name: 'out', stream: 'plays' }], throttle: { recordsPerSecond: 50 } };
  await api.call('PUT', '/v1/routes/plays', { json: aDeclaration('Route', 'plays', spec) });
});
afterAll(() => api.close());

const key = 'throttle.recordsPerSecond';
const config = '/v1/jobs/plays.out/config';
const set = (body: object, path = `${config}/${key}`): Promise<Answered> =>
  api.call('PUT', path, { json: { reason: 'the service is being moved', expiresIn: '1h', ...body } });
const explained = async (of: string) => {
  const { json } = await api.call('GET', config);
  return json.parameters.find((parameter: { key: string }) => parameter.key === of);
};

describe('an override', () => {
  test('goes before what the route says, is explained, and ends by itself', async () => {
    expect(await explained(key)).toMatchObject({ value: '50', layer: 'job', live: true });
    const answer = await set({ value: 500, expiresIn: '2s' });
    expect([answer.status, answer.json]).toMatchObject([200, { subject: 'job/plays.out', value: '500', live: true }]);
    expect(await explained(key)).toMatchObject({
      ...{ value: '500', layer: 'override' },
      settings: [{ layer: 'platform', value: 'none' }, { layer: 'job' }, { reason: 'the service is being moved' }],
    });
    await until(async () => ((await explained(key)).layer === 'job' ? true : null), 'the override to end');
    const { history } = await explained(key);
    expect(history.map(({ layer, value }: { layer: string; value: string }) => `${layer} ${value}`)).toEqual([
      ...['override 500', 'job 50'],
    ]);
    const { json: events } = await api.call('GET', '/v1/jobs/plays.out/events');
    expect(events.items.map(({ reason }: { reason: string }) => reason)).toContain('ConfigSet');
  });

  test('of a job or a team is not for those who act for other teams alone', async () => {
    const json = { value: 5, reason: 'because', expiresIn: '1h' };
    const ask = async (method: string, path: string, teams: string): Promise<number> =>
      (await api.call(method, path, { ...(method === 'PUT' ? { json } : {}), headers: { 'millrace-teams': teams } }))
        .status;
    for (const path of [`${config}/${key}`, `/v1/teams/playback/config/${key}`]) {
      expect(await ask('PUT', path, 'billing')).toBe(403);
      expect(await ask('PUT', path, 'billing,playback')).toBe(200);
      expect(await ask('DELETE', path, 'billing')).toBe(403);
      expect(await ask('DELETE', path, 'playback')).toBe(200);
    }
  });

  test('can be ended before its time, once', async () => {
    await set({ value: 'none' });
    expect(await explained(key)).toMatchObject({ value: 'none', layer: 'override' });
    const cleared = await api.call('DELETE', `${config}/${key}?reason=done`);
    expect([cleared.status, cleared.json.value]).toEqual([200, null]);
    expect((await explained(key)).layer).toBe('job');
    expect((await api.call('DELETE', `${config}/${key}`)).status).toBe(404);
  });

  test('is refused without a reason, without an end, out of bounds, and for what there is not', async () => {
    const codes = await Promise.all([
      api.call('PUT', `${config}/${key}`, { json: { value: 1, expiresIn: '1h' } }),
      api.call('PUT', `${config}/${key}`, { json: { value: 1, reason: 'because' } }),
      set({ value: 1, expiresIn: '40d' }),
      set({ value: 0 }),
      set({ value: 1 }, `${config}/throttle.recordsPerSec`),
      set({ value: 1 }, `/v1/jobs/plays.other/config/${key}`),
    ]);
    expect(codes.map(({ status }) => status)).toEqual([422, 422, 422, 422, 422, 404]);
    expect(codes[4]!.json.detail).toContain('did you mean "throttle.recordsPerSecond"');
  });
});

describe('a team’s setting', () => {
  test('holds for its jobs until it is cleared, and yields to the variable of the installation', async () => {
    const team = '/v1/teams/playback/config';
    const wish = { value: 7, reason: 'we look back often' };
    expect((await api.call('PUT', `${team}/worker.checkpointsKept`, { json: wish })).status).toBe(200);
    expect(await explained('worker.checkpointsKept')).toMatchObject({ value: '5', layer: 'environment' });
    await api.call('PUT', `${team}/worker.drain`, { json: { ...wish, value: '3s' } });
    expect(await explained('worker.drain')).toMatchObject({ value: '3s', layer: 'team' });
    await api.call('DELETE', `${team}/worker.drain?reason=no`);
    expect(await explained('worker.drain')).toMatchObject({ value: '10s', layer: 'platform' });
  });
});
