// The default that a field of proto2 declares, as JSON: as a value of the field is read.
import { type ByteSink, createByteSink } from '#core/expression/run/byte-sink.ts';
import { SchemaRefused } from '#core/formats/format-fault.ts';
import { writeBase64, writeDouble, writeFloat } from '#core/formats/write-json.ts';
import { readFloatingPoint, readInteger, readQuoted, readQuotedText } from './literals.ts';
import type { ProtoField, ProtoType } from './schema.ts';
import { wholeBounds } from './write-scalars.ts';

/** Throws SchemaRefused where it is no value of the field's type. */
export function defaultJson({ name, type, defaultText }: ProtoField): string {
  const text = defaultText ?? '';
  const json = jsonOf(type, text);
  if (json === null)
    throw new SchemaRefused(`got the default ${text.slice(0, 80)}, expected ${expectedOf(type)}`, name);
  return json;
}

const expectedOf = (type: ProtoType): string =>
  type.kind === 'message'
    ? 'none: a message has no default'
    : type.kind === 'enum'
      ? `a name of ${type.name}`
      : type.kind;

/** Null: it is none. */
function jsonOf(type: ProtoType, text: string): string | null {
  switch (type.kind) {
    case 'message':
      return null;
    case 'enum':
      return type.numbers.has(text) ? JSON.stringify(text) : null;
    case 'bool':
      return text === 'true' || text === 'false' ? text : null;
    case 'string': {
      const value = readQuotedText(text);
      return value === null ? null : JSON.stringify(value);
    }
    case 'bytes': {
      const value = readQuoted(text);
      return value === null ? null : written((out) => writeBase64(out, value, 0, value.length));
    }
    case 'double':
    case 'float': {
      const value = readFloatingPoint(text, type.kind === 'float');
      if (value === null) return null;
      return written((out) => (type.kind === 'float' ? writeFloat(out, value) : writeDouble(out, value)));
    }
    default: {
      const [low, high] = wholeBounds[type.kind];
      const value = readInteger(text);
      return value === null || value < low || value > high ? null : String(value);
    }
  }
}

function written(write: (out: ByteSink) => void): string {
  const out = createByteSink(64);
  write(out);
  return new TextDecoder().decode(out.bytes.subarray(0, out.length));
}
