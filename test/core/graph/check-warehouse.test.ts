// A table is refused when it is declared, where its columns or folders could not be.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { loadParser, planRoute } from '#core/expression/index.ts';
import { checkDocuments } from '#core/graph/check-documents.ts';
import { localSettings } from '#core/graph/platform-settings.ts';
import type { Document } from '#core/spec/document.ts';
import { aRoute, aStream, playbackEvents } from '#test/support/documents.ts';

beforeAll(loadParser);

function problems(current: readonly Document[], incoming: readonly Document[]): readonly string[] {
  const of = incoming.at(-1)!;
  const { problems: all } = checkDocuments(current, incoming, planRoute, localSettings.sinks);
  const found = all.get(`${of.kind}/${of.metadata.name}`) ?? [];
  return found.map((problem) => `${problem.path}: ${problem.message}${problem.fix ? ` | ${problem.fix}` : ''}`);
}

const table = (name: string, select: string | null, warehouse: object = {}): Document =>
  aRoute(name, 'playback-events', 'plays', {
    ...(select === null ? {} : { select }),
    to: [{ name: 'lake', warehouse: { table: 'plays', ...warehouse } }],
  });

describe('a route that writes a table', () => {
  test('of a stream with a schema needs nothing more, folders by time and column included', () => {
    expect(problems([playbackEvents], [table('a', null, { partitionBy: ['{ts:yyyy-MM-dd}'] })])).toEqual([]);
    const select = 'id, ts, country, "durationMs"::numeric(12,3) AS ms';
    expect(problems([playbackEvents], [table('a', select, { partitionBy: ['{ts:yyyy}', '{country}'] })])).toEqual([]);
  });

  test('of a stream without one needs types for its columns', () => {
    const bare = aStream('bare', {});
    const route = (select: string | null): Document =>
      aRoute('a', 'bare', 'plays', {
        ...(select === null ? {} : { select }),
        to: [{ name: 'lake', warehouse: { table: 'plays' } }],
      });
    expect(problems([bare], [route(null)])[0]).toMatch(
      /^spec.select: the columns are not known.*declare the stream’s schema/,
    );
    expect(problems([bare], [route('id, n::bigint')])[0]).toMatch(/^spec.select: column "id" has no type.*id::text/);
    expect(problems([bare], [route('id::text, (n)::bigint AS n, meta::jsonb')])).toEqual([]);
  });

  test('is told of nested fields that no catalog can name, and that JSON text can', () => {
    const nested = aStream('nested', {
      schema: { fields: { id: 'text', dims: { 'a:b': 'text', 'c d_é.$1': 'text' } } },
    });
    const route = (select: string): Document =>
      aRoute('a', 'nested', 'plays', { select, to: [{ name: 'lake', warehouse: { table: 'plays' } }] });
    expect(problems([nested], [route('id, dims')])).toEqual([
      expect.stringMatching(/^spec.select: field "a:b" of dims cannot be named.*dims::jsonb/),
    ]);
    expect(problems([nested], [route('id, dims::jsonb')])).toEqual([]);
  });

  test('is told of folders that there cannot be, and where', () => {
    const path = 'spec.to[0].warehouse.partitionBy';
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [['{ts:yyyy}', '{contry}'], /partitionBy\[1\]: there is no column "contry".*did you mean "?country/],
      [['{id:yyyy}'], /partitionBy\[0\]: column "id" is no time/],
      [['d={ts:yyyy}', 'd={country}'], /two levels of folders are named "d"/],
    ];
    for (const [partitionBy, message] of cases) {
      const found = problems([playbackEvents], [table('a', 'id, ts, country', { partitionBy })]);
      expect(found[0]).toMatch(message);
      expect(found[0]!.startsWith(path)).toBe(true);
    }
    expect(problems([playbackEvents], [table('a', 'country', { partitionBy: ['{country}'] })])[0]).toMatch(
      /every column names a folder/,
    );
    expect(problems([playbackEvents], [table('a', 'id, country AS "ID"')])[0]).toMatch(/differ in case only/);
  });

  test('has it to itself', () => {
    const found = problems([playbackEvents, table('a', 'id')], [table('b', 'id')]);
    expect(found).toEqual([
      expect.stringMatching(/^spec.to\[0\].warehouse.table: table "plays" is written by a.lake too/),
    ]);
  });

  test('may gain and lose columns; the type of one, and the folders, stay', () => {
    const before = table('a', 'id, ts, country', { partitionBy: ['{ts:yyyy-MM-dd}'] });
    const change = (select: string, partitionBy = ['{ts:yyyy-MM-dd}']): readonly string[] =>
      problems([playbackEvents, before], [table('a', select, { partitionBy })]);
    expect(change('id, ts, upper(country) AS cc')).toEqual([]);
    expect(change('id, ts, length(country) AS country')).toEqual([
      expect.stringMatching(/its column "country" is text, got integer.*name another table/),
    ]);
    expect(change('id, ts, country', ['{ts:yyyy-MM}'])).toEqual([
      expect.stringMatching(/lie in folders by ts_date text, got ts_month text/),
    ]);
    const elsewhere = table('a', 'id, length(country) AS country', { table: 'plays_2' });
    expect(problems([playbackEvents, before], [elsewhere])).toEqual([]);
  });
});
