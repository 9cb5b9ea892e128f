// The scanner takes exactly the events that are JSON objects, and finds the fields in them.
import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createByteSink, createProcessor, loadParser, type RouteProgram } from '#core/expression/index.ts';
import { limits } from '#core/limits.ts';
import { planned, runProgram, runRoute } from '#test/support/run-expression.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

function isJsonObject(bytes: Uint8Array): boolean {
  try {
    const text = decoder.decode(bytes);
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) && text.charCodeAt(0) !== 0xfeff;
  } catch {
    return false;
  }
}

/** An object as a list: names can come twice and in any order. */
class Members {
  readonly list: readonly (readonly [string, unknown])[];
  constructor(list: readonly (readonly [string, unknown])[]) {
    this.list = list;
  }
}

function textOf(value: unknown, gap: string): string {
  if (Array.isArray(value)) return `[${value.map((item) => textOf(item, gap)).join(`,${gap}`)}]`;
  if (!(value instanceof Members)) return JSON.stringify(value);
  const members = value.list.map(([name, member]) => `${JSON.stringify(name)}${gap}:${gap}${textOf(member, gap)}`);
  return `{${members.join(`,${gap}`)}}`;
}

describe('the scanner', () => {
  let everything: RouteProgram;
  beforeAll(async () => {
    await loadParser();
    everything = planned({ where: 'a IS NULL OR true', select: 'a, b.c AS c, d[2] AS d' });
  });

  const verdictOf = (event: string | Uint8Array): string => runProgram(everything, event).verdict;

  test.each([
    ['nothing', ''],
    ['only space', ' \n'],
    ['an array', '[1]'],
    ['a bare value', '1'],
    ['an object cut short', '{"a":1'],
    ['a trailing comma', '{"a":1,}'],
    ['a missing colon', '{"a" 1}'],
    ['an unquoted name', '{a:1}'],
    ['single quotes', "{'a':1}"],
    ['something behind the object', '{"a":1} x'],
    ['two objects', '{"a":1}{"a":2}'],
    ['a leading zero', '{"a":01}'],
    ['a plus sign', '{"a":+1}'],
    ['a bare point', '{"a":1.}'],
    ['a number beginning with a point', '{"a":.5}'],
    ['an exponent without digits', '{"a":1e}'],
    ['NaN', '{"a":NaN}'],
    ['Infinity', '{"a":-Infinity}'],
    ['a comment', '{"a":1/**/}'],
    ['a control character in a string', '{"a":"x\ny"}'],
    ['an unknown escape', '{"a":"\\x"}'],
    ['a short unicode escape', '{"a":"\\u12"}'],
    ['a lone high surrogate escape', '{"a":"\\ud800"}'],
    ['a lone low surrogate escape', '{"a":"\\udc00"}'],
    ['a word cut short', '{"a":tru}'],
    ['a byte order mark', '\ufeff{"a":1}'],
  ])('refuses %s', (_name, event) => {
    expect(verdictOf(event)).toBe('poison');
  });

  test.each([
    ['overlong', [0xc0, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['above U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['cut short', [0xe2, 0x82]],
    ['a lone continuation', [0x80]],
  ])('says that bytes are not UTF-8: %s', (_name, bad) => {
    const event = Uint8Array.from([...encoder.encode('{"a":"'), ...bad, ...encoder.encode('"}')]);
    expect(runProgram(everything, event)).toMatchObject({ verdict: 'poison', fault: 'not_utf8' });
  });

  test('says at which byte an event stops being JSON', () => {
    const processor = createProcessor(everything);
    const bytes = encoder.encode('{"a":1,]');
    processor.process(bytes, 0, bytes.length, createByteSink(16));
    expect(processor.fault).toEqual({ code: 'malformed_json', message: 'not JSON at byte 7: unexpected "]"' });
  });

  test('takes what nests up to the limit and nothing deeper', () => {
    const nested = (levels: number): string => `{"x":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
    expect(verdictOf(nested(limits.recordDepthMax))).toBe('passed');
    expect(verdictOf(nested(limits.recordDepthMax + 1))).toBe('poison');
    expect(verdictOf(nested(200_000))).toBe('poison');
  });

  test('allows space everywhere between', () => {
    const event = ' {\t"a" :\r\n 1 , "b" : { "c" : [ 1 , 2 ] } , "d" : [ "x" , { } ] } ';
    expect(runProgram(everything, event).out).toBe('{"a":1,"c":[ 1 , 2 ],"d":{ }}');
  });

  test('keeps the last of repeated names, and nothing below an earlier one', () => {
    expect(runProgram(everything, '{"a":1,"a":2,"b":{"c":1},"b":{"x":2}}').out).toBe('{"a":2,"c":null,"d":null}');
    expect(runProgram(everything, '{"b":{"c":1},"b":7}').out).toBe('{"a":null,"c":null,"d":null}');
  });

  test('finds names that are written with escapes', () => {
    expect(runProgram(everything, '{"\\u0061":1,"b":{"\\u0063":2}}').out).toBe('{"a":1,"c":2,"d":null}');
  });

  test('treats __proto__ and constructor as names like any other', () => {
    const program = planned({ where: `"__proto__" = 'x' AND constructor.prototype = 1`, select: '"__proto__" AS p' });
    const event = '{"__proto__":"x","constructor":{"prototype":1}}';
    expect(runProgram(program, event)).toMatchObject({ verdict: 'passed', out: '{"p":"x"}' });
    expect(runProgram(program, '{"a":1}').verdict).toBe('filtered');
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  test('accepts exactly what JSON.parse accepts as an object', () => {
    const token = fc.constantFrom(
      ...'{}[],:"\\ 01-.eE+truefalsnuiNa\n\té',
      '{"a":',
      '"b"',
      '":',
      '\\u00e9',
      '\\ud83d\\ude00',
      '1.5e3',
      'null',
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 24 }), (tokens) => {
        const bytes = encoder.encode(tokens.join(''));
        return (verdictOf(bytes) === 'passed') === isJsonObject(bytes);
      }),
      { numRuns: 5_000 },
    );
  });

  test('accepts a valid event with one byte changed exactly when JSON.parse does', () => {
    const changed = fc.tuple(fc.json({ maxDepth: 4 }), fc.nat(), fc.nat(255));
    fc.assert(
      fc.property(changed, ([json, at, byte]) => {
        const bytes = encoder.encode(`{"a":${json},"b":{"c":[true,false,null,"é\\n😀"]}}`);
        bytes[at % bytes.length] = byte;
        // JSON.parse takes a lone surrogate escape; it can be no text in UTF-8, so we do not.
        fc.pre(!/\\u[dD][89a-fA-F]/.test(Buffer.from(bytes).toString('latin1')));
        return (verdictOf(bytes) === 'passed') === isJsonObject(bytes);
      }),
      { numRuns: 5_000 },
    );
  });

  test('finds the same after any other events as with none before', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd', 'ab', 'a b', 'long-name-of-a-field', 'é', '"', '\\');
    const leaf = fc.oneof(fc.string({ maxLength: 6 }), fc.integer(), fc.constantFrom(null, true, false));
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ depthSize: 'small' }, leaf, tie('object'), fc.array(tie('value'), { maxLength: 3 })),
      object: fc.array(fc.tuple(name, tie('value')), { maxLength: 5 }).map((members) => new Members(members)),
    }));
    const event = fc
      .tuple(fc.array(fc.tuple(name, value), { maxLength: 6 }), fc.constantFrom('', '', ' '))
      .map(([members, gap]) => textOf(new Members(members), gap));
    fc.assert(
      fc.property(fc.array(event, { minLength: 2, maxLength: 12 }), (events) => {
        const warm = createProcessor(everything);
        for (const text of events) {
          const found = [warm, createProcessor(everything)].map((processor) => {
            const out = createByteSink(64);
            const bytes = encoder.encode(text);
            const verdict = processor.process(bytes, 0, bytes.length, out);
            return [verdict, Buffer.from(out.bytes.subarray(0, out.length)).toString(), processor.fault];
          });
          expect(found[0]).toEqual(found[1]);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('goes on when the names change for good, many times over', () => {
    const processor = createProcessor(everything);
    const wrong: string[] = [];
    for (let round = 0; round < 8_000; round++) {
      const at = Math.floor(round / 1_500);
      const text = `{"x${at}":[{"a":1}],"b":{"y${at}":0,"c":${round}},"z${at}":2,"a":null}`;
      const out = createByteSink(64);
      const bytes = encoder.encode(text);
      const verdict = processor.process(bytes, 0, bytes.length, out);
      const found = `${verdict} ${Buffer.from(out.bytes.subarray(0, out.length)).toString()}`;
      if (found !== `0 {"a":null,"c":${round},"d":null}`) wrong.push(`${text} gave ${found}`);
    }
    expect(wrong).toEqual([]);
  });

  test('never throws on arbitrary bytes, and leaves the output as it was unless the event passes', () => {
    const program = planned({ where: `a > 5 OR b.c LIKE '%x%'`, select: `*, upper(a::text) AS u, d[1] AS e` });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const result = runProgram(program, bytes);
        return result.fault !== 'internal_error' && (result.verdict === 'passed' || result.out === '');
      }),
      { numRuns: 3_000 },
    );
  });

  test('copies the bytes of any value unchanged', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), fc.json(), (value, other) => {
        const { out } = runRoute({ select: 'y, x' }, `{"x":${value},"z":${other},"y":1.10}`);
        expect(out).toBe(`{"y":1.10,"x":${value}}`);
      }),
    );
  });
});
