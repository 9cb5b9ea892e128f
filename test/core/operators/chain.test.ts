// Chains of operators: what comes of events, what each operator does to their type, and what is refused when they are declared.
import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { loadParser } from '#core/expression/index.ts';
import { Chain } from '#core/operators/run/chain.ts';
import { SeenKeys } from '#core/operators/run/seen-keys.ts';
import { parseDocument } from '#core/spec/parse-document.ts';
import { aDeclaration } from '#test/support/documents.ts';
import { chainOf, plannedRoute, runEvent, runEvents } from '#test/support/run-chain.ts';

beforeAll(loadParser);

const chain = (operators: readonly object[], more: object = {}) => ({ operators, ...more });
const typed = {
  schema: { fields: { id: 'text', n: 'bigint', tags: 'text[]', o: { items: 'bigint[]' }, any: 'jsonb' } },
};
const outputOf = (route: object, stream: object = typed) =>
  plannedRoute(route, stream)
    .programs.get('out')!
    .output?.map(({ name, type }) => [name, type.kind === 'scalar' ? type.type : type.kind]);
const problemsOf = (route: object, stream: object = typed) =>
  plannedRoute(route, stream).problems.map(({ path, message }) => `${path}: ${message}`);

describe('a chain', () => {
  test('does one thing after the other: filter, change, compute, filter again, project', () => {
    const route = chain(
      [
        { select: '*, n * 2 AS twice' },
        { where: 'twice > 2' },
        { hygiene: { id: { truncate: 1 } } },
        { explode: { field: 'tags', as: 'tag' } },
        { where: "tag <> 'b'" },
      ],
      { where: 'n > 0', select: "id || '-' || tag AS x, twice" },
    );
    expect(
      runEvents(chainOf(route, typed), [
        '{"id":"abc","n":0,"tags":["a"]}',
        '{"id":"abc","n":1,"tags":["a"]}',
        '{"id":"abc","n":2,"tags":["a","b","c"]}',
        '{"id":"abc","n":3,"tags":["b"]}',
      ]),
    ).toEqual([[], [], ['{"x":"a-a","twice":4}', '{"x":"a-c","twice":4}'], []]);
  });

  test('checks the events first as the stream declares them, whatever the route reads of them', () => {
    const strict = { schema: { ...typed.schema, onInvalid: 'dead-letter' } };
    const route = chain([{ sample: { fraction: 1 } }], { select: 'id' });
    expect(runEvent(chainOf(route, strict), '{"id":"a","n":"no number"}')).toBe('schema_mismatch');
    expect(runEvent(chainOf(route, typed), '{"id":"a","n":"no number"}')).toEqual(['{"id":"a"}']);
  });

  test('sets an event aside whole where one of those that it becomes cannot be made', () => {
    const route = chain([{ explode: { field: 'o.items', as: 'item' } }], { select: '10 / item AS x' });
    expect(runEvent(chainOf(route, typed), '{"o":{"items":[5,0,2]}}')).toBe('division_by_zero');
    expect(runEvent(chainOf(route, typed), '{"o":{"items":[5,2]}}')).toEqual(['{"x":2}', '{"x":5}']);
  });

  test('carries the type through', () => {
    expect(outputOf(chain([{ hygiene: { n: 'hash', any: 'drop' } }]))).toEqual([
      ['id', 'text'],
      ['n', 'text'],
      ['tags', 'array'],
      ['o', 'object'],
    ]);
    expect(outputOf(chain([{ explode: { field: 'tags', as: 'tag' } }, { select: 'tag, n' }]))).toEqual([
      ['tag', 'text'],
      ['n', 'bigint'],
    ]);
    expect(problemsOf(chain([{ select: 'id' }], { select: 'n' }))).toEqual(['spec.select: field n does not exist']);
    expect(problemsOf(chain([{ where: 'n' }]))).toEqual([
      'spec.operators[0].where: the condition must be boolean, got bigint',
    ]);
  });
});

describe('explode', () => {
  const tags = (more: object = {}) => chainOf(chain([{ explode: { field: 'tags', ...more } }]));

  test('puts the element where the list was named, once for each element, bytes as they were', () => {
    expect(runEvent(tags(), '{"a":1.10,"tags":[ "x" , {"y": [1,2]}, null ],"b":2}')).toEqual([
      '{"a":1.10,"b":2,"tags":"x"}',
      '{"a":1.10,"b":2,"tags":{"y": [1,2]}}',
      '{"a":1.10,"b":2,"tags":null}',
    ]);
    expect(runEvent(tags({ as: 'tag' }), '{"tags":["x"],"tag":"old","tags":["y"]}')).toEqual(['{"tag":"y"}']);
  });

  test('lets nothing come of an event without elements, unless it is asked to keep it', () => {
    for (const event of ['{"tags":[]}', '{"tags":null}', '{}']) {
      expect(runEvent(tags(), event)).toEqual([]);
      expect(runEvent(tags({ keepEmpty: true }), event)).toEqual(['{"tags":null}']);
    }
    expect(runEvent(tags(), '{"tags":"x"}')).toBe('not_a_list');
  });

  test('bounds what one event can become, in events and in bytes', () => {
    const many = `{"tags":[${'1,'.repeat(10_000)}1]}`;
    expect(runEvent(tags(), many)).toBe('program_limit_exceeded');
    const large = `{"big":"${'x'.repeat(1_000_000)}","tags":[${'1,'.repeat(99)}1]}`;
    expect(runEvent(tags(), large)).toBe('program_limit_exceeded');
  });

  test('takes no list that lies in another one: it is no one list of the event', () => {
    const orders = chain([{ explode: { field: 'orders.items', as: 'item' } }]);
    const items = { type: 'record', name: 'Order', fields: [{ name: 'items', type: { type: 'array', items: 'int' } }] };
    const fields = [{ name: 'orders', type: { type: 'array', items } }];
    const avro = { format: 'avro', schema: { avro: { type: 'record', name: 'Event', fields } } };
    expect(plannedRoute(orders, avro).problems).toEqual([
      {
        path: 'spec.operators[0].explode.field',
        message: 'orders.items lies in the list orders, expected a list that an event has once',
        fix: 'explode orders first, then the list in its elements',
      },
    ]);
    const steps = [{ explode: { field: 'orders', as: 'order' } }, { explode: { field: 'order.items', as: 'item' } }];
    expect(plannedRoute(chain(steps), avro).problems).toEqual([]);
  });

  test('sets an event aside where a list stands on the way to the one that is asked for', () => {
    for (const keepEmpty of [false, true]) {
      const items = chainOf(chain([{ explode: { field: 'o.orders.items', as: 'item', keepEmpty } }]));
      expect(runEvent(items, '{"o":{"orders":[{"items":[1,2]},{"items":[3]}]}}')).toBe('not_a_list');
      expect(items.fault?.message).toContain('o.orders is a list in this event');
      expect(runEvent(items, '{"o":[{"orders":{"items":[1]}}]}')).toBe('not_a_list');
      expect(runEvent(items, '{"o":[],"o":{"orders":{"items":[1]}}}')).toEqual(['{"o":[],"o":{"orders":{}},"item":1}']);
      expect(runEvent(items, '{"o":{"orders":{"n":1}}}')).toEqual(
        keepEmpty ? ['{"o":{"orders":{"n":1}},"item":null}'] : [],
      );
    }
  });

  test('is refused on what is no list, on what is not there, and onto a name that is taken', () => {
    expect(problemsOf(chain([{ explode: { field: 'n' } }]))).toEqual([
      'spec.operators[0].explode.field: n is bigint, expected a list',
    ]);
    expect(problemsOf(chain([{ explode: { field: 'tag' } }]))[0]).toContain(
      'there is no field "tag" (did you mean "tags"?)',
    );
    expect(problemsOf(chain([{ explode: { field: 'tags', as: 'id' } }]))[0]).toContain('have a field "id" already');
  });
});

describe('sample', () => {
  const ids = Array.from({ length: 20_000 }, (_, index) => `{"id":"k${index}","user":"u${index % 500}"}`);
  const kept = (operator: object) => {
    const outs = runEvents(chainOf(chain([{ sample: operator }])), ids);
    return ids.filter((_, index) => outs[index]!.length > 0);
  };

  test('keeps about the fraction, the same events each time', () => {
    const first = kept({ fraction: 0.1 });
    expect(Math.abs(first.length - 2_000)).toBeLessThan(200);
    expect(kept({ fraction: 0.1 })).toEqual(first);
    expect(kept({ fraction: 1 })).toHaveLength(ids.length);
  });

  test('by a key keeps all events of a key or none, and more of them with a larger fraction', () => {
    const users = (events: readonly string[]) =>
      new Set(events.map((event) => (JSON.parse(event) as { user: string }).user));
    const few = users(kept({ fraction: 0.2, by: '"user"' }));
    expect(Math.abs(few.size - 100)).toBeLessThan(40);
    expect(kept({ fraction: 0.2, by: '"user"' })).toHaveLength(few.size * 40);
    const more = users(kept({ fraction: 0.4, by: '"user"' }));
    expect([...few].every((user) => more.has(user))).toBe(true);
  });
});

describe('dedup', () => {
  const dedup = (more: object = {}) => chain([{ dedup: { key: 'id', within: '10ms', ...more } }]);

  test('lets the first of a key through, and again when it was not there for the time', () => {
    const events = ['{"id":1}', '{"id":2}', '{"id":1}', ...Array.from({ length: 12 }, () => '{"id":3}'), '{"id":1}'];
    const outs = runEvents(chainOf(dedup()), events);
    expect(outs.map((out) => out.length)).toEqual([1, 1, 0, 1, ...Array.from({ length: 11 }, () => 0), 1]);
  });

  test('lets every event without a key through', () => {
    expect(runEvents(chainOf(dedup()), ['{}', '{"id":null}', '{}']).every((out) => out.length === 1)).toBe(true);
  });

  test('after an explode compares the elements, in one event too', () => {
    const route = chain([{ explode: { field: 'tags', as: 'tag' } }, { dedup: { key: 'tag', within: '1h' } }]);
    expect(runEvents(chainOf(route), ['{"tags":["a","b","a"]}', '{"tags":["b","c"]}'])).toEqual([
      ['{"tag":"a"}', '{"tag":"b"}'],
      ['{"tag":"c"}'],
    ]);
  });

  const explodeThenDedup = [{ explode: { field: 'items', as: 'item' } }, { dedup: { key: 'item.id', within: '1h' } }];
  const perItem = chain(explodeThenDedup, { select: 'item.id AS id, 10 / item.n::int AS x' });
  const oneBefore = {
    ...perItem,
    operators: [explodeThenDedup[0]!, { where: '10 / item.n::int > 0' }, explodeThenDedup[1]!],
  };

  test('takes nothing of a record at fault for seen: none of it was written', () => {
    const broken = '{"items":[{"id":"a","n":1},{"id":"b","n":1},{"id":"c","n":0}]}';
    const good = '{"items":[{"id":"b","n":5},{"id":"c","n":5},{"id":"b","n":5}]}';
    const passed = ['{"id":"b","x":2}', '{"id":"c","x":2}'];
    for (const route of [perItem, oneBefore])
      expect(runEvents(chainOf(route), [broken, good, good])).toEqual(['division_by_zero', passed, []]);
    const many = `{"items":[${Array.from({ length: 10_001 }, (_, id) => `{"id":${id},"n":1}`).join(',')}]}`;
    const outs = runEvents(chainOf(perItem), [many, '{"items":[{"id":7,"n":1}]}']);
    expect(outs).toEqual(['program_limit_exceeded', ['{"id":7,"x":10}']]);
  });

  test('keeps to what it knew of a key before a record at fault', () => {
    const [a, broken] = ['{"items":[{"id":"a","n":1}]}', '{"items":[{"id":"a","n":1},{"id":"b","n":0}]}'];
    expect(runEvents(chainOf(perItem), [a, broken, a])).toEqual([['{"id":"a","x":10}'], 'division_by_zero', []]);
  });

  const items = fc.array(fc.record({ id: fc.constantFrom('a', 'b', 'c', 'd', null), n: fc.constantFrom(0, 1, 2, 5) }), {
    maxLength: 4,
  });

  test.each([
    ['behind it', perItem],
    ['before it', oneBefore],
  ])('answers the same after any restart, with faults %s', (_where, route) => {
    const [going, restarted] = [chainOf(route), chainOf(route)];
    fc.assert(
      fc.property(fc.array(items, { minLength: 1, maxLength: 8 }), fc.nat(), (lists, at) => {
        const events = lists.map((list) => JSON.stringify({ items: list }));
        const from = at % events.length;
        const memory = restarted.createMemory();
        for (const [offset, event] of events.slice(0, from).entries()) {
          const bytes = new TextEncoder().encode(event);
          restarted.remember(bytes, 0, bytes.length, { partition: 0, offset, timestamp: offset, memory });
        }
        const later = events.slice(from).map((event, index) => {
          const offset = from + index;
          return runEvent(restarted, event, { memory, offset, timestamp: offset });
        });
        expect(later).toEqual(runEvents(going, events).slice(from));
      }),
      { numRuns: 300 },
    );
  });

  test('remembers as many events as the memory holds, and refuses to promise more', () => {
    expect(problemsOf(dedup({ events: 1_000_000 }))[0]).toMatch(/1000000 events of each of 4 partitions do not fit/);
    const [, operator] = plannedRoute(dedup(), { partitions: 64 }).operators;
    expect(operator).toMatchObject({ kind: 'dedup', events: 6990 });
  });

  test('holds no more keys than twice its events, of millions of keys as of one that is hot [fault 104]', () => {
    const events = 1_000;
    const many = new SeenKeys(events, 60_000);
    const hot = new SeenKeys(events, 60_000);
    let most = 0;
    let repeats = 0;
    for (let offset = 0; offset < 1_000_000; offset++) {
      many.isDuplicate(`user-${offset}`, offset, 0, offset);
      most = Math.max(most, many.size);
      if (hot.isDuplicate('hot', offset, 0, offset)) repeats++;
      for (const seen of [many, hot]) seen.keep();
    }
    expect(most).toBeLessThanOrEqual(2 * events);
    expect(hot.size).toBeLessThanOrEqual(2);
    expect(repeats).toBe(999_999);
  });

  const arrivals = fc.array(
    fc.record({
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      gap: fc.integer({ min: 1, max: 3 }),
      step: fc.integer({ min: -4, max: 9 }),
    }),
    { maxLength: 60 },
  );

  test('says of a record what follows from the records before it, and so the same whoever reads on from where', () => {
    fc.assert(
      fc.property(
        arrivals,
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 0, max: 30 }),
        (steps, events, within) => {
          let [offset, timestamp] = [0, 0];
          const records = steps.map(({ key, gap, step }) => {
            offset += gap;
            timestamp += step;
            return { key, offset, timestamp };
          });
          const expected = records.map((record, index) => {
            const last = records.slice(0, index).findLast(({ key }) => key === record.key);
            return (
              last !== undefined &&
              record.offset - last.offset <= events &&
              Math.abs(record.timestamp - last.timestamp) <= within
            );
          });
          for (let from = 0; from < records.length; from += 7) {
            const seen = new SeenKeys(events, within);
            const start = records[from]!.offset;
            const answers = records
              .filter((record) => record.offset >= start - events)
              .map((record) => {
                const isDuplicate = seen.isDuplicate(record.key, record.offset, 0, record.timestamp);
                seen.keep();
                return { ...record, isDuplicate };
              })
              .filter((record) => record.offset >= start);
            expect(answers.map(({ isDuplicate }) => isDuplicate)).toEqual(expected.slice(from));
          }
        },
      ),
    );
  });
});

describe('operators as people write them', () => {
  const refusedAt = (spec: object): readonly string[] => {
    const parsed = parseDocument(
      aDeclaration('Route', 'r', { from: 'e', to: [{ name: 'out', stream: 's' }], ...spec }),
    );
    return parsed.ok ? [] : parsed.problem.map(({ path, message }) => `${path}: ${message}`);
  };

  test('are refused with what was got and what was expected', () => {
    expect(refusedAt(chain([{}]))[0]).toMatch(/operators\[0\]: got none, expected exactly one operator: where, select/);
    expect(refusedAt(chain([{ where: 'a', select: 'b' }]))[0]).toMatch(/got where and select, expected exactly one/);
    expect(refusedAt(chain([{ hygiene: { a: 'md5' } }]))[0]).toMatch(/hygiene.a: got "md5", expected mask, hash, drop/);
    expect(refusedAt(chain([{ sample: { fraction: 2 } }]))[0]).toMatch(/fraction: got 2, expected at most 1/);
    expect(refusedAt(chain([{ dedup: { key: 'a', within: 'long' } }]))[0]).toMatch(/dedup.within: got "long"/);
    expect(refusedAt(chain([{ explode: { field: 'a..b' } }]))[0]).toMatch(/expected a field's path/);
    expect(refusedAt(chain([{ hygeine: {} }]))[0]).toMatch(
      /operators\[0\].hygeine: unknown field \(did you mean "hygiene"/,
    );
  });
});

describe('a route to several streams', () => {
  const to = [
    { name: 'eu', stream: 'eu', where: "country IN ('SE', 'DE')" },
    { name: 'us', stream: 'us', where: "country = 'US'", key: 'id' },
    { name: 'rest', stream: 'rest', otherwise: true },
    { name: 'all', stream: 'all' },
  ];
  const route = { to, where: 'id IS NOT NULL', select: 'id' };
  const takes = (event: string, more: object = {}) => {
    const { operators, programs } = plannedRoute({ ...route, ...more });
    return [...programs].flatMap(([name, program]) => {
      const out = runEvent(new Chain(operators, program, new Map()), event);
      return out.length === 0 ? [] : [name];
    });
  };

  test('sends each event to the sinks whose condition is true, and to the rest where none is', () => {
    expect(takes('{"id":1,"country":"SE"}')).toEqual(['eu', 'all']);
    expect(takes('{"id":1,"country":"US"}')).toEqual(['us', 'all']);
    expect(takes('{"id":1,"country":"FR"}')).toEqual(['rest', 'all']);
    expect(takes('{"id":1}')).toEqual(['rest', 'all']);
    expect(takes('{"country":"SE"}')).toEqual([]);
  });

  test('asks what its operators made of the event', () => {
    const operators = [{ select: "id, 'US' AS country" }];
    expect(takes('{"id":1,"country":"SE"}', { operators })).toEqual(['us', 'all']);
  });

  test('is refused with the place of what is wrong', () => {
    const wrong = {
      to: [
        { name: 'a', stream: 'a', where: 'nr = 1' },
        { name: 'b', stream: 'b', otherwise: true },
      ],
    };
    expect(problemsOf(wrong)).toEqual(['spec.to[0].where: field nr does not exist']);
    expect(() => plannedRoute({ to: [{ name: 'a', stream: 'a', otherwise: true }] })).toThrow(/there is no rest/);
    expect(() => plannedRoute({ to: [{ name: 'a', stream: 'a', where: 'x', otherwise: true }] })).toThrow(
      /one of them/,
    );
  });
});

test('a sink that tells records apart by their place is told which element each output is of, whatever else is left out', () => {
  const elementsOf = (route: object, event: object): readonly string[] => {
    const made = chainOf(route);
    runEvent(made, JSON.stringify(event));
    return made.outputs.elements.slice(0, made.outputs.count);
  };
  const event = { tags: ['a', 'b', 'a', 'c'], rows: [{ cells: [1, 2] }, { cells: [] }, { cells: [3] }] };
  const tags = [{ explode: { field: 'tags', as: 'tag' } }];
  expect(elementsOf(chain(tags), event)).toEqual(['0', '1', '2', '3']);
  expect(elementsOf(chain([...tags, { where: "tag <> 'a'" }]), event)).toEqual(['1', '3']);
  expect(elementsOf(chain([...tags, { dedup: { key: 'tag', within: '1h' } }]), event)).toEqual(['0', '1', '3']);
  const cells = [{ explode: { field: 'rows', as: 'row' } }, { explode: { field: 'row.cells', as: 'cell' } }];
  expect(elementsOf(chain(cells), event)).toEqual(['0.0', '0.1', '2.0']);
  const kept = [{ explode: { field: 'tags', as: 'tag', keepEmpty: true } }];
  expect(elementsOf(chain(kept), { tags: [] })).toEqual(['']);
  expect(elementsOf(chain([{ where: 'tags IS NOT NULL' }]), event)).toEqual(['']);
});
