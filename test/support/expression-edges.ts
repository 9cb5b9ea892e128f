// More expressions written by hand, by matter: edges of numbers, zones, times, texts and arrays where we once gave something else.

const numbers: readonly string[] = [
  'trim_scale(0.000)',
  'trim_scale(-100.100)',
  'trim_scale(1e100)',
  'exp(5999.99)',
  'exp(6000.0)',
  'exp(-6000.0)',
  'ln(1e131071)',
  'ln(1e-16000)',
  'ln(2.5e300)',
  'log(1e131071)',
  'log(1e300, 2.0)',
  'sqrt(1e301)',
  'sqrt(3e-301)',
  'power(2::numeric, 1e-20)',
  'power(2::numeric, -1e-20)',
  'power(2::numeric, 1e-16383)',
  'power(10::numeric, 2605.5)',
  'power(10::numeric, 2610.5)',
  'power(10::numeric, -2620.5)',
  'power(1e131071, 0.5)',
  '1.5 ^ 745000',
  '1e131071 > 2e131071',
  '1e131071 < 1e131071 + 1',
  '-1e100 < 0.5',
  '10e99 = 1e100',
  'greatest(1e100, 1e101, 5)',
  '1e100::text',
  '1e100::float8',
  '1e39::real',
  '1e70::bigint',
  'round(1.5e100, -100)',
  '1e100 % 7',
  "'1e100'::jsonb = '10e99'::jsonb",
  "('1' || repeat('0', 70) || '1')::bigint",
  "('-' || repeat('0', 70) || '1')::bigint",
];

const zones: readonly string[] = [
  ...['CET', 'EET', 'MSK', 'CST', 'BST', 'ACT', 'CEST', 'Z', 'zulu', 'GB', 'IRKT', 'ABC', 'AET'].map(
    (zone) => `timestamptz '2024-07-01 12:00+00' at time zone '${zone}'`,
  ),
  "timestamptz '1990-07-01 12:00+00' at time zone 'MSK'",
  "timestamptz '2012-07-01 12:00+00' at time zone 'MSK'",
  ...['second', 'minute', 'hour', 'day', 'month'].flatMap((unit) => [
    `date_trunc('${unit}', timestamptz '2024-10-27 00:30:15.5+00', 'Europe/Berlin')`,
    `date_trunc('${unit}', timestamptz '2024-10-27 01:30:15.5+00', 'Europe/Berlin')`,
    `date_trunc('${unit}', timestamptz '2024-04-06 15:15+00', 'Australia/Lord_Howe')`,
  ]),
];

export const edges: readonly string[] = [...numbers, ...zones];
