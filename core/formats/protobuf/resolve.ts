// Parsed .proto files to messages whose types are found: by the scoping rules of the language.
import { SchemaRefused } from '#core/formats/format-fault.ts';
import type { SchemaText } from '#core/ports/schema-registry.ts';
import { readQuotedText } from './literals.ts';
import { type ParsedEnum, type ParsedField, type ParsedFile, type ParsedMessage, parseProto } from './parse.ts';
import {
  type ProtoEnum,
  type ProtoField,
  type ProtoMessage,
  type ProtoType,
  type ScalarKind,
  scalarKinds,
} from './schema.ts';
import { wellKnownProto } from './well-known.ts';

export interface ProtoFile {
  /** In order: by which a record names its type. */
  readonly messages: readonly ProtoMessage[];
}

interface Scope {
  readonly types: Map<string, ProtoMessage | ProtoEnum>;
  /** Filled in when all names are known. */
  readonly open: {
    readonly message: ProtoMessage;
    readonly parsed: ParsedMessage;
    readonly syntax: ParsedFile['syntax'];
  }[];
}

/** Throws SchemaRefused. `references` are the files that this one may import. */
export function readProto(text: string, references: readonly SchemaText[] = []): ProtoFile {
  const scope: Scope = { types: new Map(), open: [] };
  declare(scope, parseProto(wellKnownProto));
  for (const reference of references)
    if (!reference.name.startsWith('google/protobuf/')) declare(scope, parseProto(reference.text));
  const file = parseProto(text);
  const known = new Set(references.map(({ name }) => name));
  const missing = file.imports.find((path) => !known.has(path) && !path.startsWith('google/protobuf/'));
  if (missing !== undefined)
    throw new SchemaRefused(`it imports ${missing}, which is not there; write all in one file`);
  const messages = declare(scope, file);
  if (messages.length === 0) throw new SchemaRefused('the file declares no message');
  for (const { message, parsed, syntax } of scope.open) message.fields = fieldsOf(scope, message.name, parsed, syntax);
  return { messages };
}

function declare(scope: Scope, file: ParsedFile): readonly ProtoMessage[] {
  for (const parsed of file.enums) declareEnum(scope, file.package, parsed);
  return file.messages.map((parsed) => declareMessage(scope, file.package, parsed, file.syntax));
}

const join = (space: string, name: string): string => (space === '' ? name : `${space}.${name}`);

function declareMessage(
  scope: Scope,
  space: string,
  parsed: ParsedMessage,
  syntax: ParsedFile['syntax'],
): ProtoMessage {
  const name = join(space, parsed.name);
  if (scope.types.has(name)) throw new SchemaRefused(`${name} is declared twice`);
  const message: ProtoMessage = { kind: 'message', name, fields: [], nested: [] };
  scope.types.set(name, message);
  for (const inner of parsed.enums) declareEnum(scope, name, inner);
  for (const inner of parsed.messages) message.nested.push(declareMessage(scope, name, inner, syntax));
  scope.open.push({ message, parsed, syntax });
  return message;
}

function declareEnum(scope: Scope, space: string, { name: own, values }: ParsedEnum): void {
  const name = join(space, own);
  if (scope.types.has(name)) throw new SchemaRefused(`${name} is declared twice`);
  const names = new Map<number, string>();
  for (const [value, number] of values) if (!names.has(number)) names.set(number, value);
  scope.types.set(name, { kind: 'enum', name, numbers: new Map(values), names });
}

function fieldsOf(
  scope: Scope,
  space: string,
  parsed: ParsedMessage,
  syntax: ParsedFile['syntax'],
): readonly ProtoField[] {
  const fields = parsed.fields.map((field) => fieldOf(scope, space, field, syntax));
  const numbers = fields.map(({ number }) => number);
  const twice = numbers.find((number, index) => numbers.indexOf(number) !== index);
  if (twice !== undefined) throw new SchemaRefused(`two fields have the number ${twice}`, space);
  const names = fields.map(({ name }) => name);
  const same = names.find((name, index) => names.indexOf(name) !== index);
  if (same !== undefined) throw new SchemaRefused(`two fields are named ${same}`, space);
  return fields;
}

function fieldOf(scope: Scope, space: string, parsed: ParsedField, syntax: ParsedFile['syntax']): ProtoField {
  const { name, number, options, label, oneof, keyName } = parsed;
  const type = findType(scope, space, parsed.typeName, name);
  const key = keyName === null ? null : keyKind(keyName, name);
  const repeated = label === 'repeated' || key !== null;
  const isNumeric = type.kind !== 'message' && type.kind !== 'string' && type.kind !== 'bytes';
  const packed = isNumeric && (options.get('packed') ?? String(syntax === 'proto3')) === 'true';
  const isExplicit = syntax === 'proto2' || label === 'optional' || oneof !== null || type.kind === 'message';
  return {
    ...{ name, number, type, key, oneof, packed, repeated },
    jsonName: readQuotedText(options.get('json_name') ?? '') ?? camelCase(name),
    presence: label === 'required' ? 'required' : isExplicit ? 'explicit' : 'implicit',
    defaultText: options.get('default') ?? null,
  };
}

const camelCase = (name: string): string =>
  name.replace(/_+([a-zA-Z0-9])/g, (_all, char: string) => char.toUpperCase());

const isScalar = (name: string): name is ScalarKind => (scalarKinds as readonly string[]).includes(name);

function keyKind(name: string, field: string): ScalarKind {
  if (!isScalar(name) || ['double', 'float', 'bytes'].includes(name))
    throw new SchemaRefused(`got ${name} as the key of a map, expected a whole number, bool or string`, field);
  return name;
}

/** From the innermost scope outwards; a name that begins with a point stands for itself. */
function findType(scope: Scope, space: string, name: string, field: string): ProtoType {
  if (isScalar(name)) return { kind: name };
  if (name.startsWith('.')) {
    const found = scope.types.get(name.slice(1));
    if (found !== undefined) return found;
  } else
    for (let around = space; ; around = around.slice(0, Math.max(0, around.lastIndexOf('.')))) {
      const found = scope.types.get(join(around, name));
      if (found !== undefined) return found;
      if (around === '') break;
    }
  throw new SchemaRefused(`got the type ${name}, which is not declared`, field);
}

/** By its name, with or without the package; the first of the file where none is named. */
export function messageNamed({ messages }: ProtoFile, name: string | null): ProtoMessage {
  if (name === null) return messages[0]!;
  const all = allMessages(messages);
  const found =
    all.find((message) => message.name === name) ?? all.find((message) => message.name.endsWith(`.${name}`));
  if (found === undefined)
    throw new SchemaRefused(
      `there is no message ${name}: there is ${all
        .map((message) => message.name)
        .slice(0, 20)
        .join(', ')}`,
    );
  return found;
}

export const allMessages = (messages: readonly ProtoMessage[]): readonly ProtoMessage[] =>
  messages.flatMap((message) => [message, ...allMessages(message.nested)]);

/** As records name it: by its place in the file, and in the messages around it; null where it is not in the file. */
export function indexesOf(messages: readonly ProtoMessage[], wanted: ProtoMessage): readonly number[] | null {
  for (const [index, message] of messages.entries()) {
    if (message === wanted) return [index];
    const inner = indexesOf(message.nested, wanted);
    if (inner !== null) return [index, ...inner];
  }
  return null;
}
