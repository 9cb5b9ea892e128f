// Passes over values of the writer's schema that the reader does not know, without making anything of them.
import { malformed, truncated } from '#core/formats/format-fault.ts';
import { enter, type Input, type Read, take } from '#core/formats/input.ts';
import type { SchemaWalk } from '#core/formats/schema-walk.ts';
import { readInt, readLength, readLong } from './input.ts';
import type { AvroType } from './schema.ts';

export interface Skips {
  readonly walk: SchemaWalk;
  readonly made: Map<AvroType, Read>;
}

/** Throws SchemaTooLarge. */
export function compileSkip(skips: Skips, type: AvroType): Read {
  const found = skips.made.get(type);
  if (found !== undefined) return found;
  // Types may lead back to themselves: whoever asks while this one is being made gets what will call it.
  let made: Read = () => {};
  skips.made.set(type, (input) => made(input));
  skips.walk.enter();
  made = makeSkip(skips, type);
  skips.walk.leave();
  skips.made.set(type, made);
  return made;
}

function makeSkip(skips: Skips, type: AvroType): Read {
  switch (type.kind) {
    case 'null':
      return () => {};
    case 'boolean':
      return (input) => void take(input, 1, 'a boolean');
    case 'int':
      return (input) => void readInt(input);
    case 'enum':
      return (input) => void readInt(input);
    case 'long':
      return (input) => void readLong(input);
    case 'float':
      return (input) => void take(input, 4, 'a float');
    case 'double':
      return (input) => void take(input, 8, 'a double');
    case 'bytes':
    case 'string':
      return (input) => void take(input, readLength(input, 'a string'), 'a string');
    case 'fixed':
      return (input) => void take(input, type.size, 'a fixed');
    case 'array':
      return skipBlocks(compileSkip(skips, type.items));
    case 'map': {
      const value = compileSkip(skips, type.values);
      return skipBlocks((input) => {
        take(input, readLength(input, 'a key'), 'a key');
        value(input);
      });
    }
    case 'union': {
      const branches = type.branches.map((branch) => compileSkip(skips, branch));
      return (input) => branches[readBranch(input, branches.length)]!(input);
    }
    case 'record': {
      const fields: Read[] = [];
      for (const field of type.fields) fields.push(compileSkip(skips, field.type));
      return (input) => {
        enter(input);
        for (const field of fields) field(input);
        input.depth--;
      };
    }
  }
}

export function readBranch(input: Input, count: number): number {
  const index = readLong(input);
  if (typeof index === 'bigint' || index < 0 || index >= count)
    throw malformed(`a union has the branch ${index}, expected 0 to ${count - 1}`);
  return index;
}

function skipBlocks(item: Read): Read {
  return (input) => {
    enter(input);
    for (;;) {
      const count = readLong(input);
      if (count === 0) break;
      if (count < 0) {
        const bytes = readLength(input, 'a block');
        take(input, bytes, 'a block');
        continue;
      }
      if (typeof count === 'bigint') throw truncated('a block');
      for (let index = 0; index < count; index++) {
        const before = input.at;
        item(input);
        // Items without bytes are all alike: however many are claimed, there is nothing more to pass over.
        if (input.at === before) break;
      }
    }
    input.depth--;
  };
}
