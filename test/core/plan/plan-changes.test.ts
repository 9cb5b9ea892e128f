// The plan that a person is shown before applying, and that it is what the passes then do.
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { PlanView } from '#core/api/wire.ts';
import { loadParser, planRoute } from '#core/expression/index.ts';
import { localSettings } from '#core/graph/platform-settings.ts';
import { planChanges } from '#core/plan/plan-changes.ts';
import type { GoalRevision } from '#core/ports/goal-store.ts';
import type { Document } from '#core/spec/document.ts';
import { aRevision, aRoute, aSnapshot, aStream, playbackEvents } from '#test/support/documents.ts';

beforeAll(loadParser);

const plan = (revisions: readonly GoalRevision[], incoming: readonly Document[]): PlanView =>
  planChanges({
    tenant: 'default',
    incoming,
    snapshot: aSnapshot(revisions),
    settings: localSettings,
    plan: planRoute,
  });

const plays = aRoute('plays', 'playback-events', 'plays', { where: "type = 'play'", select: 'id, country' });
const declared = [aRevision(playbackEvents), aRevision(plays)];

describe('a plan', () => {
  test('for what is new tells the topics and jobs that will be made', () => {
    const view = plan([], [playbackEvents, plays]);
    expect(view).toMatchObject({ wouldChange: true, refused: false });
    expect(view.changes[1]).toMatchObject({
      outcome: 'create',
      jobs: ['plays.out'],
      expectedPauseMs: 0,
      effects: expect.arrayContaining([
        'topic plays: created with 3 partition(s)',
        'job plays.out: 1 worker(s) start, reading playback-events from earliest',
      ]),
    });
  });

  test('for what is declared already changes nothing', () => {
    expect(plan(declared, [playbackEvents, plays])).toMatchObject({
      wouldChange: false,
      changes: [
        { outcome: 'unchanged', class: 'none' },
        { outcome: 'unchanged', effects: [] },
      ],
    });
  });

  test('for another filter is a stop-start: it tells field, pause and where it goes on', () => {
    const [change] = plan(declared, [
      aRoute('plays', 'playback-events', 'plays', { where: "type = 'stop'", select: 'id, country' }),
    ]).changes;
    expect(change).toMatchObject({
      outcome: 'change',
      class: 'stop-start',
      fields: [{ path: 'spec.where', before: "type = 'play'", after: "type = 'stop'", class: 'stop-start' }],
      effects: ['job plays.out: workers drain, commit and end, then 1 start from the committed positions'],
    });
    expect(change!.expectedPauseMs).toBeGreaterThan(0);
  });

  test('for another source says that positions do not carry over', () => {
    const other = aStream('other-events', { partitions: 3 });
    const [change] = plan(
      [...declared, aRevision(other)],
      [aRoute('plays', 'other-events', 'plays', { where: "type = 'play'", select: 'id, country' })],
    ).changes;
    expect(change!.class).toBe('replace');
    expect(change!.effects.join()).toMatch(/positions do not carry over/);
  });

  test('for a stream whose schema grows by a field that no route reads stops no job', () => {
    const schema = {
      fields: {
        id: 'text',
        ts: 'timestamptz',
        type: 'text',
        country: 'text',
        device: { os: 'text' },
        durationMs: 'bigint',
        extra: 'text',
      },
    };
    const [change] = plan(declared, [aStream('playback-events', { partitions: 3, schema, eventTime: 'ts' })]).changes;
    expect(change!.jobs).toEqual([]);
  });

  test('for more partitions and another retention tells both, and stops no job', () => {
    const schema = (playbackEvents.declared as { schema: object }).schema;
    const [change] = plan(declared, [
      aStream('playback-events', { partitions: 6, retention: '72h', schema, eventTime: 'ts' }),
    ]).changes;
    expect(change!.class).toBe('live');
    expect(change!.effects).toEqual(
      expect.arrayContaining([
        'topic playback-events: grown from 3 to 6 partitions',
        'topic playback-events: retention.ms 172800000 → 259200000',
      ]),
    );
    expect(change!.jobs).toEqual([]);
  });

  test('for a paused route starts no worker', () => {
    const [change] = plan(
      [aRevision(playbackEvents)],
      [aRoute('plays', 'playback-events', 'plays', { paused: true })],
    ).changes;
    expect(change!.effects).toContain('job plays.out: declared paused, no worker starts');
  });

  test('is refused with its problems, and tells no effects', () => {
    const view = plan(
      [aRevision(playbackEvents)],
      [aRoute('plays', 'playback-events', 'plays', { where: "tpye = 'play'" })],
    );
    expect(view).toMatchObject({ refused: true, changes: [{ outcome: 'refused', effects: [] }] });
    expect(view.changes[0]!.problems[0]).toMatchObject({ path: 'spec.where', line: 1, column: 1 });
  });

  test('tells of each job whether its positions are kept, into which sink it writes, and what it costs before and after', () => {
    const two = { to: [{ name: 'out', stream: 'plays' }], resources: { workers: 2 } };
    const [more] = plan(declared, [
      aRoute('plays', 'playback-events', 'plays', { ...two, where: "type = 'play'" }),
    ]).changes;
    expect(more!.jobChanges).toMatchObject([
      { name: 'plays.out', class: 'stop-start', state: 'kept', sink: 'plays', expectedPauseMs: 2_000 },
    ]);
    expect(more!.cost.after).toBeGreaterThan(1.5 * more!.cost.before);
    const [other] = plan(declared, [
      aRoute('plays', 'playback-events', 'plays', { to: [{ name: 'copy', stream: 'copies' }], where: "type = 'play'" }),
    ]).changes;
    expect(other!.jobChanges.map(({ name, state, class: weight }) => [name, state, weight])).toEqual([
      ['plays.copy', 'new', 'live'],
      ['plays.out', 'lost', 'replace'],
    ]);
    expect(other!.class).toBe('replace');
  });

  test('counts a job that two documents touch once in its cost', () => {
    const view = plan([], [playbackEvents, plays]);
    expect(view.cost.after).toBe(view.changes[1]!.cost.after);
    expect(view.cost).toMatchObject({ before: 0, currency: 'USD' });
  });

  test('has a hash of what it compared: the same question gives the same, a moved world another', () => {
    expect(plan(declared, [plays]).hash).toBe(plan(declared, [plays]).hash);
    expect(plan([declared[0]!, aRevision(plays, { revision: 2 })], [plays]).hash).not.toBe(
      plan(declared, [plays]).hash,
    );
    // What changes nothing of what it says does not stop it.
    const elsewhere = aRevision(aStream('other-events'));
    expect(plan([...declared, elsewhere], [plays]).hash).toBe(plan(declared, [plays]).hash);
  });
});

describe('a route’s own tests', () => {
  const given = [
    { id: 'a', type: 'play', country: 'us', durationMs: 1500 },
    { id: 'b', type: 'browse' },
  ];
  const tested = (expected: readonly object[]) =>
    aRoute('plays', 'playback-events', 'plays', {
      where: "type = 'play'",
      select: 'id, upper(country) AS cc, "durationMs" / 1000.0 AS seconds',
      tests: [{ name: 'keeps plays', given, expect: expected }],
    });

  test('pass when what comes out is what was expected; numbers count by value', () => {
    const [change] = plan([aRevision(playbackEvents)], [tested([{ id: 'a', cc: 'US', seconds: 1.5 }])]).changes;
    expect(change).toMatchObject({ outcome: 'create', tests: [{ name: 'keeps plays', passed: true }] });
  });

  test('refuse the apply when one fails, with what came out', () => {
    const [change] = plan([aRevision(playbackEvents)], [tested([{ id: 'a', cc: 'DE' }])]).changes;
    expect(change).toMatchObject({ outcome: 'refused', tests: [{ passed: false }] });
    expect(change!.problems[0]!.message).toMatch(/got \{"id":"a","cc":"US".*\}, expected \{"id":"a","cc":"DE"\}/);
  });
});
