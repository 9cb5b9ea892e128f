// How a route may ask to be delivered, and what is refused when it is declared.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { loadParser, planRoute } from '#core/expression/index.ts';
import { checkDocuments } from '#core/graph/check-documents.ts';
import { localSettings } from '#core/graph/platform-settings.ts';
import { parseDocument } from '#core/spec/parse-document.ts';
import { aDeclaration, aRoute, aStream } from '#test/support/documents.ts';

beforeAll(loadParser);

const parse = (more: object) =>
  parseDocument(aDeclaration('Route', 'plays', { from: 'in', to: [{ name: 'out', stream: 'plays' }], ...more }));

/** The completed spec, or the paths of what is wrong. */
function read(more: object): unknown {
  const parsed = parse(more);
  return parsed.ok ? parsed.value.spec : parsed.problem.map(({ path }) => path);
}

describe('a guarantee', () => {
  test('is at-least-once where nothing is said', () => {
    expect(read({})).toMatchObject({
      delivery: { guarantee: 'at-least-once', lossBudget: null, ordering: 'per-key' },
    });
  });

  test('of exactly-once is taken for stream sinks', () => {
    expect(read({ delivery: { guarantee: 'exactly-once' } })).toMatchObject({
      delivery: { guarantee: 'exactly-once' },
    });
  });

  test('of exactly-once is refused for a sink that takes part in no transaction', () => {
    const to = [{ name: 'hook', http: { url: 'https://example.com/events' } }];
    expect(read({ delivery: { guarantee: 'exactly-once' }, to })).toEqual(['spec.to[0]']);
  });

  test('of loss-tolerant needs a budget, and a budget needs loss-tolerant', () => {
    expect(read({ delivery: { guarantee: 'loss-tolerant', lossBudget: '0.01%' } })).toMatchObject({
      delivery: { guarantee: 'loss-tolerant', lossBudget: 0.0001 },
    });
    expect(read({ delivery: { guarantee: 'loss-tolerant' } })).toEqual(['spec.delivery.lossBudget']);
    expect(read({ delivery: { lossBudget: '1%' } })).toEqual(['spec.delivery.lossBudget']);
    for (const lossBudget of ['0%', '101%', '0.01', 'much', '-1%'])
      expect(read({ delivery: { guarantee: 'loss-tolerant', lossBudget } })).toEqual(['spec.delivery.lossBudget']);
  });

  test('of loss-tolerant is refused with dedup, since the next worker would not know what was dropped', () => {
    const operators = [{ where: 'id IS NOT NULL' }, { dedup: { key: 'id', within: '10m' } }];
    const delivery = { guarantee: 'loss-tolerant', lossBudget: '1%' };
    expect(read({ operators, delivery })).toEqual(['spec.operators[1].dedup']);
    expect(read({ operators: operators.slice(0, 1), delivery })).toMatchObject({ delivery: { lossBudget: 0.01 } });
    expect(read({ operators })).toMatchObject({ operators: [{ kind: 'where' }, { kind: 'dedup' }] });
  });
});

describe('a stream that is available', () => {
  const check = (delivery: object) => {
    const stream = aStream('plays', { durability: 'available' });
    const { problems } = checkDocuments(
      [aStream('in')],
      [stream, aRoute('plays', 'in', 'plays', { delivery })],
      planRoute,
      localSettings.sinks,
    );
    return (problems.get('Route/plays') ?? []).map(({ path }) => path);
  };

  test('takes routes that tolerate loss only, since an acknowledged event can be lost with its leader', () => {
    expect(check({ guarantee: 'loss-tolerant', lossBudget: '0.1%' })).toEqual([]);
    expect(check({})).toEqual(['spec.to[0].stream']);
    expect(check({ guarantee: 'exactly-once' })).toEqual(['spec.to[0].stream']);
  });
});

describe('an order', () => {
  test('per partition is refused where a key decides the partition', () => {
    const delivery = { ordering: 'per-partition' };
    expect(read({ delivery })).toMatchObject({ delivery });
    expect(read({ delivery, to: [{ name: 'out', stream: 'plays', key: 'country' }] })).toEqual(['spec.to[0]']);
  });

  test('per partition can be kept by an index, not by an HTTP service, which gets several batches at a time', () => {
    const delivery = { ordering: 'per-partition' };
    const index = { name: 'search', opensearch: { url: 'https://search.example.com', index: 'plays' } };
    expect(read({ delivery, to: [index] })).toMatchObject({ delivery });
    expect(read({ delivery, to: [{ name: 'hook', http: { url: 'https://hook.example.com' } }] })).toEqual([
      'spec.to[0]',
    ]);
  });
});

describe('a policy for errors', () => {
  test('is complete where nothing is said', () => {
    const forEver = { giveUpAfterMs: null, endsIn: 'stop' };
    const errors = { poison: 'dead-letter', schema: 'dead-letter', auth: 'retry', deadLetterRateMax: null };
    expect(read({})).toMatchObject({ errors: { ...errors, retryable: forEver, throttled: forEver }, throttle: null });
  });

  test('says how long a sink that refuses is tried, and what then', () => {
    const to = [{ name: 'hook', http: { url: 'https://example.com/events' } }];
    const errors = {
      retryable: { action: 'retry', giveUpAfter: '1h', then: 'dead-letter' },
      throttled: { action: 'retry', giveUpAfter: '30s' },
    };
    expect(read({ errors, to })).toMatchObject({
      errors: {
        retryable: { giveUpAfterMs: 3_600_000, endsIn: 'dead-letter' },
        throttled: { giveUpAfterMs: 30_000, endsIn: 'stop' },
      },
    });
    expect(read({ errors: { retryable: 'stop', throttled: 'retry' } })).toMatchObject({
      errors: { retryable: { giveUpAfterMs: 0, endsIn: 'stop' }, throttled: { giveUpAfterMs: null } },
    });
    expect(read({ errors: { retryable: 'drop' }, to })).toMatchObject({
      errors: { retryable: { giveUpAfterMs: 0, endsIn: 'drop' } },
    });
    for (const giveUpAfter of ['1s', '31d', 'soon'])
      expect(read({ errors: { retryable: { action: 'retry', giveUpAfter } } })).toEqual([
        'spec.errors.retryable.giveUpAfter',
      ]);
    for (const retryable of [{ action: 'retry' }, { action: 'stop', giveUpAfter: '1h' }, 'never'])
      expect(read({ errors: { retryable } })).toEqual(['spec.errors.retryable']);
  });

  test('gives no single record up where a sink is written to in batches that may have arrived', () => {
    for (const action of ['dead-letter', 'drop'])
      for (const name of ['retryable', 'throttled'])
        expect(read({ errors: { [name]: action } })).toEqual([`spec.errors.${name}`]);
  });

  test('may stop for want of permission, and where too much becomes dead letters', () => {
    const errors = { auth: 'stop', deadLetter: { maxRate: '1%', onExceeded: 'stop' } };
    expect(read({ errors })).toMatchObject({ errors: { auth: 'stop', deadLetterRateMax: 0.01 } });
    expect(read({ errors: { deadLetter: { maxRate: 'few' } } })).toEqual(['spec.errors.deadLetter.maxRate']);
  });

  test('and a throttle of at least one record a second', () => {
    expect(read({ throttle: { recordsPerSecond: 5_000 } })).toMatchObject({ throttle: 5_000 });
    expect(read({ throttle: { recordsPerSecond: 0 } })).toEqual(['spec.throttle.recordsPerSecond']);
  });
});
