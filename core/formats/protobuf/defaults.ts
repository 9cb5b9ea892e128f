// The default that a field of proto2 declares, as JSON.
import { SchemaRefused } from '#core/formats/format-fault.ts';
import type { ProtoField } from './schema.ts';

const words: Readonly<Record<string, string>> = { inf: '"Infinity"', '-inf': '"-Infinity"', nan: '"NaN"' };

/** Throws SchemaRefused where it is no value of the field's type. */
export function defaultJson({ name, type, defaultText }: ProtoField): string {
  const text = defaultText ?? '';
  const wrong = new SchemaRefused(`got the default ${text}, expected ${type.kind}`, name);
  switch (type.kind) {
    case 'message':
      throw wrong;
    case 'enum':
      if (!type.numbers.has(text)) throw wrong;
      return JSON.stringify(text);
    case 'bool':
      if (text !== 'true' && text !== 'false') throw wrong;
      return text;
    case 'string':
    case 'bytes': {
      if (!/^["'].*["']$/s.test(text)) throw wrong;
      const plain = text.slice(1, -1).replace(/\\(["'\\])/g, '$1');
      if (/\\/.test(plain)) throw new SchemaRefused('defaults with escapes are not read; leave the default out', name);
      return JSON.stringify(type.kind === 'string' ? plain : btoa(plain));
    }
    default:
      if (Object.hasOwn(words, text)) return words[text]!;
      if (!/^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text)) throw wrong;
      return text;
  }
}
