// Whether what one message writes can be read as another: field numbers are what counts, names are not.
import { SchemaRefused } from '#core/formats/format-fault.ts';
import { SchemaWalk } from '#core/formats/schema-walk.ts';
import type { ProtoField, ProtoMessage, ProtoType } from './schema.ts';

/** What else takes all values of a type, on the wire and in meaning. */
const widens: Readonly<Record<string, readonly string[]>> = {
  int32: ['int64', 'enum'],
  uint32: ['uint64', 'int64'],
  sint32: ['sint64'],
  bool: ['int32', 'int64', 'uint32', 'uint64'],
  enum: ['int32', 'int64'],
  string: ['bytes'],
  bytes: ['string'],
};

/** Throws SchemaRefused with the first field that does not go together. */
export function requireReadable(writer: ProtoMessage, reader: ProtoMessage): void {
  check(writer, reader, '', { walk: new SchemaWalk(), done: new Map() });
}

interface Checked {
  readonly walk: SchemaWalk;
  readonly done: Map<ProtoMessage, Set<ProtoMessage>>;
}

function check(writer: ProtoMessage, reader: ProtoMessage, at: string, checked: Checked): void {
  const known = checked.done.get(writer) ?? new Set();
  if (known.has(reader)) return;
  checked.done.set(writer, known.add(reader));
  checked.walk.enter();
  const written = new Map(writer.fields.map((field) => [field.number, field]));
  for (const field of reader.fields) {
    const path = at === '' ? field.name : `${at}.${field.name}`;
    const other = written.get(field.number);
    if (other !== undefined) checkField(other, field, path, checked);
    else if (field.presence === 'required') throw new SchemaRefused('it is required, and was written without', path);
  }
  checked.walk.leave();
}

function checkField(written: ProtoField, field: ProtoField, path: string, checked: Checked): void {
  const [was, is] = [titleOf(written), titleOf(field)];
  const fits = typesFit(written.type, field.type) && written.key === field.key && (field.repeated || !written.repeated);
  if (!fits)
    throw new SchemaRefused(`it was written as ${was} (field ${field.number}) and cannot be read as ${is}`, path);
  if (written.type.kind === 'message' && field.type.kind === 'message') check(written.type, field.type, path, checked);
}

const typesFit = (writer: ProtoType, reader: ProtoType): boolean =>
  writer.kind === reader.kind || widens[writer.kind]?.includes(reader.kind) === true;

function titleOf({ type, key, repeated }: ProtoField): string {
  const name = 'name' in type ? type.name : type.kind;
  if (key !== null) return `map<${key}, ${name}>`;
  return repeated ? `repeated ${name}` : name;
}
