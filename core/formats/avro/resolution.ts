// Which of Avro's types may be read as which others (the specification's schema resolution), and what they then mean.
import { ok, type Result, refuse } from '#core/result.ts';
import {
  type AvroField,
  type AvroFixed,
  type AvroPrimitive,
  type AvroRecord,
  type Logical,
  shortName,
} from './schema.ts';

type Scalar = AvroPrimitive | AvroFixed;

const promotions: Readonly<Record<string, readonly string[]>> = {
  int: ['long', 'float', 'double'],
  long: ['float', 'double'],
  float: ['double'],
  string: ['bytes'],
  bytes: ['string'],
};

/** By the last part of the name, or by an alias: namespaces move more often than types do. */
export function sameName(
  writer: { readonly name: string },
  reader: { readonly name: string; readonly aliases: readonly string[] },
): boolean {
  const name = shortName(writer.name);
  return (
    name === shortName(reader.name) ||
    reader.aliases.some((alias) => alias === writer.name || shortName(alias) === name)
  );
}

/**
 * By the writer's fields: what each is read as. All names count before any alias does: a field may have taken over another's
 * old name while the old one is still written.
 */
export function fieldsBetween(writer: AvroRecord, reader: AvroRecord): ReadonlyMap<AvroField, AvroField> {
  const pairs = new Map<AvroField, AvroField>();
  const free = new Map(reader.fields.map((field) => [field.name, field]));
  const others: AvroField[] = [];
  for (const written of writer.fields) {
    const field = free.get(written.name);
    if (field === undefined) others.push(written);
    else pairs.set(written, field);
    free.delete(written.name);
  }
  const byAlias = new Map(
    [...free.values()].reverse().flatMap((field) => field.aliases.map((alias) => [alias, field])),
  );
  for (const written of others) {
    const field = byAlias.get(written.name);
    if (field !== undefined && free.delete(field.name)) pairs.set(written, field);
  }
  return pairs;
}

export function promotes(writer: Scalar, reader: Scalar): boolean {
  if (writer.kind === 'fixed' || reader.kind === 'fixed')
    return (
      writer.kind === 'fixed' && reader.kind === 'fixed' && writer.size === reader.size && sameName(writer, reader)
    );
  return writer.kind === reader.kind || promotions[writer.kind]?.includes(reader.kind) === true;
}

const familyOf = (logical: Logical | null): string => logical?.replace(/-(millis|micros|nanos)$/, '') ?? '';

export interface Meaning {
  readonly logical: Logical | null;
  readonly scale: number;
}

/**
 * Time is told in the writer's unit, since it becomes text, also where an int is read as a long; of a decimal the scales must
 * be the same. Where the writer says nothing, the reader is believed.
 */
export function meaningBetween(writer: Scalar, reader: Scalar): Result<Meaning, string> {
  if (writer.kind === 'null' || reader.kind === 'null') return ok(none);
  if (reader.kind === 'float' || reader.kind === 'double') return ok(none);
  if (reader.logical === null) return ok(none);
  if (writer.logical === null) return ok(reader);
  if (familyOf(writer.logical) !== familyOf(reader.logical))
    return refuse(`it was written as ${writer.logical} and cannot be read as ${reader.logical}`);
  if (reader.logical === 'decimal' && writer.scale !== reader.scale)
    return refuse(
      `it was written as a decimal of scale ${writer.scale} and cannot be read as one of scale ${reader.scale}`,
    );
  return ok(writer);
}

const none: Meaning = { logical: null, scale: 0 };
