// What must hold between declarations.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { loadParser, planRoute } from '#core/expression/index.ts';
import { checkDocuments } from '#core/graph/check-documents.ts';
import { localSettings } from '#core/graph/platform-settings.ts';
import type { Document } from '#core/spec/document.ts';
import { aRoute, aStream, playbackEvents } from '#test/support/documents.ts';

beforeAll(loadParser);

/** `path: message | fix`, for the document that is looked at. */
function problems(
  current: readonly Document[],
  incoming: readonly Document[],
  of = incoming.at(-1)!,
): readonly string[] {
  const found =
    checkDocuments(current, incoming, planRoute, localSettings.sinks).problems.get(`${of.kind}/${of.metadata.name}`) ??
    [];
  return found.map((problem) => `${problem.path}: ${problem.message}${problem.fix ? ` | ${problem.fix}` : ''}`);
}

describe('a route', () => {
  test('of a declared stream with expressions that fit its schema has no problem', () => {
    const route = aRoute('plays', 'playback-events', 'plays', {
      where: "type = 'play'",
      select: 'id, upper(country) AS cc',
    });
    expect(problems([playbackEvents], [route])).toEqual([]);
  });

  test('may be applied together with its stream', () => {
    expect(problems([], [playbackEvents, aRoute('plays', 'playback-events', 'plays')])).toEqual([]);
  });

  test('of a stream that there is not is told the nearest names', () => {
    expect(problems([playbackEvents], [aRoute('plays', 'playback-event', 'plays')])[0]).toMatch(
      /^spec.from: there is no stream "playback-event" \(did you mean "playback-events"\?\)/,
    );
  });

  test('with an expression that does not type is told where', () => {
    const route = aRoute('plays', 'playback-events', 'plays', {
      where: 'durationMs > 5',
      select: 'id, upper(durationMs) AS x',
    });
    const found = checkDocuments([playbackEvents], [route], planRoute, localSettings.sinks).problems.get(
      'Route/plays',
    )!;
    expect(found.map((problem) => problem.path)).toEqual(expect.arrayContaining(['spec.where', 'spec.select']));
    expect(found.every((problem) => problem.line === 1 && problem.column! > 0)).toBe(true);
  });

  test('with a key that select does not give is told so at the sink', () => {
    const route = aRoute('plays', 'playback-events', 'plays', {
      select: 'id',
      to: [{ name: 'out', stream: 'plays', key: 'country' }],
    });
    expect(problems([playbackEvents], [route])[0]).toMatch(/^spec.to\[0\].key: /);
  });

  test('into its own source is refused, and so is a cycle through others', () => {
    expect(problems([playbackEvents], [aRoute('loop', 'playback-events', 'playback-events')])[0]).toMatch(
      /a cycle of routes: playback-events → playback-events/,
    );
    const there = aRoute('there', 'playback-events', 'b');
    const back = aRoute('back', 'b', 'playback-events');
    expect(problems([playbackEvents, there], [back])[0]).toMatch(/a cycle of routes: b → playback-events → b/);
  });

  test('of a stream that another route implies sees the columns which that one selects', () => {
    const first = aRoute('first', 'playback-events', 'middle', { select: 'id, "durationMs" / 1000.0 AS seconds' });
    expect(problems([playbackEvents, first], [aRoute('second', 'middle', 'last', { where: 'seconds > 1.5' })])).toEqual(
      [],
    );
    expect(
      problems([playbackEvents, first], [aRoute('second', 'middle', 'last', { where: "country = 'US'" })])[0],
    ).toMatch(/^spec.where: /);
  });

  test('into a declared stream must give its columns in the declared types', () => {
    const plays = aStream('plays', { schema: { fields: { seconds: 'text' } } });
    const route = aRoute('plays', 'playback-events', 'plays', { select: '"durationMs" / 1000.0 AS seconds' });
    expect(problems([playbackEvents, plays], [route])[0]).toMatch(
      /column "seconds" is numeric, but stream plays declares it text/,
    );
  });
});

describe('a route that others build on', () => {
  const first = aRoute('first', 'playback-events', 'middle', { select: 'id, country' });
  const second = aRoute('second', 'middle', 'last', { where: "country = 'US'" });

  test('cannot stop giving a column that they read, nor the stream itself; they are named', () => {
    const narrower = aRoute('first', 'playback-events', 'middle', { select: 'id' });
    expect(problems([playbackEvents, first, second], [narrower])[0]).toMatch(/breaks route "second" \(spec.where: /);
    const elsewhere = aRoute('first', 'playback-events', 'other', { select: 'id, country' });
    expect(problems([playbackEvents, first, second], [elsewhere])[0]).toMatch(
      /breaks route "second" \(spec.from: there is no stream "middle"/,
    );
  });

  test('may, when they change with it', () => {
    const elsewhere = aRoute('first', 'playback-events', 'other', { select: 'id, country' });
    expect(problems([playbackEvents, first, second], [aRoute('second', 'other', 'last'), elsewhere])).toEqual([]);
  });
});

describe('a stream', () => {
  test('cannot shrink', () => {
    expect(problems([aStream('a', { partitions: 4 })], [aStream('a', { partitions: 2 })])[0]).toMatch(
      /got 2, but the stream has 4: partitions can only grow/,
    );
    expect(problems([aStream('a', { partitions: 4 })], [aStream('a', { partitions: 6 })])).toEqual([]);
  });

  test('cannot take a name from another owner', () => {
    expect(problems([aStream('a')], [aStream('a', {}, 'billing')])[0]).toMatch(
      /belongs to "playback", got owner "billing"/,
    );
  });

  test('cannot drop a field that a route reads, directly or through another; the route is named', () => {
    const route = aRoute('plays', 'playback-events', 'plays', { where: "type = 'play'", select: 'id, country' });
    const further = aRoute('further', 'plays', 'last', { where: "country = 'US'" });
    const narrower = aStream('playback-events', { partitions: 3, schema: { fields: { id: 'text', country: 'text' } } });
    expect(problems([playbackEvents, route], [narrower])[0]).toMatch(/breaks route "plays" \(spec.where: .*type/);
    const renamed = aStream('playback-events', {
      partitions: 3,
      schema: { fields: { id: 'text', type: 'text', land: 'text' } },
    });
    expect(problems([playbackEvents, route, further], [renamed]).join()).toMatch(/breaks route "plays"/);
  });

  test('may drop it when the route changes in the same apply', () => {
    const route = aRoute('plays', 'playback-events', 'plays', { where: "type = 'play'" });
    const narrower = aStream('playback-events', { partitions: 3, schema: { fields: { id: 'text' } } });
    expect(problems([playbackEvents, route], [aRoute('plays', 'playback-events', 'plays'), narrower])).toEqual([]);
  });
});
