// Time zones by name: PostgreSQL's abbreviations have one offset all year, and what a change of the clocks does to date_trunc.
import { beforeAll, expect, test } from '@jest/globals';
import { evaluateExpression, loadParser } from '#core/expression/index.ts';

beforeAll(loadParser);

function resultOf(expression: string): string {
  const result = evaluateExpression(expression, '{}', null);
  return result.ok ? result.value.json : result.problem.code;
}

test.each([
  ['CET', '13:00:00'],
  ['cest', '14:00:00'],
  ['EET', '14:00:00'],
  ['MET', '13:00:00'],
  ['WET', '12:00:00'],
  ['BST', '13:00:00'],
  ['IST', '14:00:00'],
  ['AST', '08:00:00'],
  ['ACT', '07:00:00'],
  ['EST', '07:00:00'],
  ['PST', '04:00:00'],
  ['PDT', '05:00:00'],
  ['CST', '06:00:00'],
  ['MSK', '15:00:00'],
  ['SGT', '20:00:00'],
  ['CST6CDT', '07:00:00'],
  ['GB', '13:00:00'],
  ['Etc/GMT+5', '07:00:00'],
])('noon of UTC in summer is in %s %s', (zone, clock) => {
  expect(resultOf(`timestamptz '2024-07-01 12:00+00' AT TIME ZONE '${zone}'`)).toBe(`"2024-07-01T${clock}"`);
});

test('MSK is what it was at the time: an hour more from 2011 to 2014', () => {
  const local = (time: string): string => resultOf(`timestamptz '${time}' AT TIME ZONE 'MSK'`);
  expect(local('2010-07-01 12:00+00')).toBe('"2010-07-01T15:00:00"');
  expect(local('2012-07-01 12:00+00')).toBe('"2012-07-01T16:00:00"');
  expect(local('2015-07-01 12:00+00')).toBe('"2015-07-01T15:00:00"');
});

test.each(['AET', 'ECT', 'PLT', 'VST', 'ABC', 'Factory9', 'UTC+3', '+03', '-3', ''])(
  '%p is no zone, whatever the engine takes it for',
  (zone) => {
    expect(resultOf(`timestamptz '2024-07-01 12:00+00' AT TIME ZONE '${zone}'`)).toBe('invalid_parameter_value');
  },
);

test.each([
  ['hour', '2024-10-27 00:30+00', 'Europe/Berlin', '2024-10-27T00:00:00Z'],
  ['hour', '2024-10-27 01:30+00', 'Europe/Berlin', '2024-10-27T01:00:00Z'],
  ['minute', '2024-11-03 05:30:15+00', 'America/New_York', '2024-11-03T05:30:00Z'],
  ['second', '2024-11-03 06:30:15.5+00', 'America/New_York', '2024-11-03T06:30:15Z'],
  ['hour', '2024-07-01 12:15+00', 'Asia/Kolkata', '2024-07-01T11:30:00Z'],
  ['day', '2024-10-27 12:00+00', 'Europe/Berlin', '2024-10-26T22:00:00Z'],
  ['day', '2024-10-27 23:30+00', 'Europe/Berlin', '2024-10-27T23:00:00Z'],
  ['hour', 'infinity', 'Europe/Berlin', 'infinity'],
])('the %s of %s in %s begins at %4$s', (unit, time, zone, start) => {
  expect(resultOf(`date_trunc('${unit}', timestamptz '${time}', '${zone}')`)).toBe(`"${start}"`);
});
