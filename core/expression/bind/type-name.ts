// A type as written in a cast, to the type's name and its modifiers.
import type { TypeName as ParsedTypeName } from 'libpg-query';
import { Refusal } from '../problem.ts';
import type { TypeName } from '../tree.ts';
import { arrayOf } from '../values/type-rules.ts';
import { stringOf } from './paths.ts';

const names: ReadonlyMap<string, TypeName> = new Map([
  ['text', 'text'],
  ['varchar', 'text'],
  ['bool', 'boolean'],
  ['int2', 'smallint'],
  ['int4', 'integer'],
  ['int8', 'bigint'],
  ['numeric', 'numeric'],
  ['float4', 'real'],
  ['float8', 'double precision'],
  ['timestamptz', 'timestamptz'],
  ['timestamp', 'timestamp'],
  ['date', 'date'],
  ['time', 'time'],
  ['interval', 'interval'],
  ['uuid', 'uuid'],
  ['jsonb', 'jsonb'],
]);

export interface WrittenType {
  readonly type: TypeName;
  readonly modifiers: readonly number[];
  /** The unit of `interval '5' day`. */
  readonly unit: string | null;
  readonly written: string;
}

const intervalUnits: ReadonlyMap<number, string> = new Map([
  [4, 'year'],
  [2, 'month'],
  [8, 'day'],
  [1 << 10, 'hour'],
  [1 << 11, 'minute'],
  [1 << 12, 'second'],
]);

export function readTypeName(parsed: ParsedTypeName, at: number): WrittenType {
  const written = (parsed.names ?? []).map((name) => stringOf(name) ?? '').at(-1) ?? '';
  const type = names.get(written);
  if (type === undefined) {
    const hint =
      written === 'json'
        ? 'use jsonb'
        : written === 'bpchar'
          ? 'use text'
          : `there are ${[...new Set(names.values())].join(', ')}`;
    throw new Refusal('undefined_object', `type ${written} is not supported`, at, hint);
  }
  const given = (parsed.typmods ?? []).map((modifier) => modifierOf(modifier, at));
  const bounds = parsed.arrayBounds?.length ?? 0;
  if (bounds > 1) throw new Refusal('feature_not_supported', 'arrays of more than one dimension are not supported', at);
  const whole = bounds === 1 ? arrayOf(type) : type;
  if (type === 'interval') return { type: whole, modifiers: [], unit: intervalUnit(given, at), written };
  checkModifiers(type, given, at);
  return { type: whole, modifiers: given, unit: null, written };
}

function modifierOf(node: unknown, at: number): number {
  const constant = (node as { A_Const?: { ival?: { ival?: number } } }).A_Const;
  if (constant?.ival === undefined)
    throw new Refusal('feature_not_supported', 'a type modifier must be an integer', at);
  return constant.ival.ival ?? 0;
}

function checkModifiers(type: TypeName, modifiers: readonly number[], at: number): void {
  const [first, second = 0] = modifiers;
  if (first === undefined) return;
  const fits =
    type === 'numeric'
      ? first >= 1 && first <= 1000 && second >= -1000 && second <= 1000
      : type === 'text'
        ? first >= 1
        : first >= 0 && first <= 6;
  if (!fits)
    throw new Refusal(
      'invalid_parameter_value',
      `type modifier (${modifiers.join(', ')}) is out of range for ${type}`,
      at,
    );
}

const everyUnit = 32_767;

function intervalUnit(modifiers: readonly number[], at: number): string | null {
  const [mask, precision] = modifiers;
  if (precision !== undefined)
    throw new Refusal('feature_not_supported', 'interval with a precision is not supported', at);
  if (mask === undefined || mask === everyUnit) return null;
  const unit = intervalUnits.get(mask);
  if (unit === undefined)
    throw new Refusal('feature_not_supported', 'interval with a range of units is not supported', at);
  return unit;
}
