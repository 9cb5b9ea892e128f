// Values as JSON in the output.
import type { TypeName } from '../tree.ts';
import { formatDouble, formatReal } from '../values/float.ts';
import { formatJson, type JsonValue } from '../values/json-value.ts';
import { formatNumeric, type Numeric } from '../values/numeric.ts';
import { checkJsonSize } from '../values/result-size.ts';
import { formatTimestamp } from '../values/timestamp.ts';
import { elementOf, isArray } from '../values/type-rules.ts';
import { showText } from '../values/type-text.ts';
import type { Value } from '../values/value.ts';
import { type ByteSink, writeJsonText, writeText } from './byte-sink.ts';

/** How a value of the type is written: numbers as PostgreSQL prints them, what JSON has no word for as a string. */
export function writerOf(type: TypeName): (sink: ByteSink, value: Exclude<Value, null>) => void {
  if (isArray(type)) return arrayWriter(elementOf(type));
  switch (type) {
    case 'boolean':
      return (sink, value) => writeText(sink, value === true ? 'true' : 'false');
    case 'smallint':
    case 'integer':
    case 'bigint':
      return (sink, value) => writeText(sink, String(value));
    case 'numeric':
      return (sink, value) => {
        const numeric = value as Numeric;
        writeNumber(sink, formatNumeric(numeric), numeric.kind === 'finite');
      };
    case 'real':
      return (sink, value) => writeNumber(sink, formatReal(value as number), Number.isFinite(value));
    case 'double precision':
      return (sink, value) => writeNumber(sink, formatDouble(value as number), Number.isFinite(value));
    case 'jsonb':
    case 'dynamic':
      return (sink, value) => writeText(sink, formatJson(value as JsonValue, false));
    case 'timestamptz':
      return (sink, value) => writeJsonText(sink, formatTimestamp(value as bigint, 'T', 'Z'));
    case 'timestamp':
      return (sink, value) => writeJsonText(sink, formatTimestamp(value as bigint, 'T', ''));
    case 'text':
    case 'uuid':
      return (sink, value) => writeJsonText(sink, value as string);
    default:
      return (sink, value) => writeJsonText(sink, showText(type, value));
  }
}

function writeNumber(sink: ByteSink, text: string, isJson: boolean): void {
  if (isJson) writeText(sink, text);
  else writeJsonText(sink, text);
}

function arrayWriter(element: TypeName): (sink: ByteSink, value: Exclude<Value, null>) => void {
  const write = writerOf(element);
  return (sink, value) => {
    writeText(sink, '[');
    const start = sink.length;
    for (const [index, item] of (value as readonly Value[]).entries()) {
      if (index > 0) writeText(sink, ',');
      if (item === null) writeText(sink, 'null');
      else write(sink, item);
      checkJsonSize(sink.length - start);
    }
    writeText(sink, ']');
  };
}
