// A .proto file (syntax proto2 or proto3) as it stands: messages and enums with the names of the types that they use.
import { SchemaRefused } from '#core/formats/format-fault.ts';
import { limits } from '#core/limits.ts';
import {
  accept,
  isAtEnd,
  next,
  passOver,
  peek,
  readTokens,
  type Tokens,
  take,
  takeName,
  takeNumber,
  wrong,
} from './tokens.ts';

export interface ParsedField {
  readonly name: string;
  readonly number: number;
  readonly typeName: string;
  readonly keyName: string | null;
  readonly label: 'repeated' | 'optional' | 'required' | null;
  readonly oneof: number | null;
  readonly options: ReadonlyMap<string, string>;
}

export interface ParsedMessage {
  readonly name: string;
  readonly fields: ParsedField[];
  readonly messages: ParsedMessage[];
  readonly enums: ParsedEnum[];
  oneofCount: number;
}

export interface ParsedEnum {
  readonly name: string;
  readonly values: readonly (readonly [string, number])[];
}

export interface ParsedFile {
  readonly syntax: 'proto2' | 'proto3';
  readonly package: string;
  readonly imports: readonly string[];
  readonly messages: readonly ParsedMessage[];
  readonly enums: readonly ParsedEnum[];
}

interface Parse {
  readonly tokens: Tokens;
  syntax: 'proto2' | 'proto3';
  depth: number;
  nodeCount: number;
}

export function parseProto(text: string): ParsedFile {
  const tokens = readTokens(text);
  const parse: Parse = { tokens, syntax: 'proto2', depth: 0, nodeCount: 0 };
  const imports: string[] = [];
  const messages: ParsedMessage[] = [];
  const enums: ParsedEnum[] = [];
  let packageName = '';
  while (!isAtEnd(tokens)) {
    const word = next(tokens);
    if (word === 'syntax') parse.syntax = readSyntax(tokens);
    else if (word === 'edition')
      throw new SchemaRefused('got a file of an edition, expected syntax = "proto2" or "proto3"');
    else if (word === 'package') {
      packageName = next(tokens);
      take(tokens, ';');
    } else if (word === 'import') imports.push(readImport(tokens));
    else if (word === 'message') messages.push(readMessage(parse));
    else if (word === 'enum') enums.push(readEnum(parse));
    else if (word === 'option' || word === 'service' || word === 'extend') passOver(tokens);
    else if (word !== ';') {
      tokens.at--;
      throw wrong(tokens, 'message, enum, import, package, option or service');
    }
  }
  return { syntax: parse.syntax, package: packageName, imports, messages, enums };
}

const unquoted = (text: string): string => text.slice(1, -1);

function readSyntax(tokens: Tokens): 'proto2' | 'proto3' {
  take(tokens, '=');
  const syntax = unquoted(peek(tokens));
  if (syntax !== 'proto2' && syntax !== 'proto3') throw wrong(tokens, '"proto2" or "proto3"');
  tokens.at++;
  take(tokens, ';');
  return syntax;
}

function readImport(tokens: Tokens): string {
  if (peek(tokens) === 'public' || peek(tokens) === 'weak') tokens.at++;
  const path = next(tokens);
  take(tokens, ';');
  return unquoted(path);
}

function count(parse: Parse): void {
  if (++parse.nodeCount > limits.schemaNodesMax)
    throw new SchemaRefused(`the schema has more than ${limits.schemaNodesMax} fields and types`);
}

function readMessage(parse: Parse): ParsedMessage {
  const { tokens } = parse;
  count(parse);
  if (++parse.depth > limits.documentDepthMax)
    throw new SchemaRefused(`messages are nested deeper than ${limits.documentDepthMax} levels`);
  const message: ParsedMessage = { name: takeName(tokens), fields: [], messages: [], enums: [], oneofCount: 0 };
  take(tokens, '{');
  while (!accept(tokens, '}')) readMember(parse, message);
  parse.depth--;
  return message;
}

/** A field may be named as a keyword is: what follows tells. */
const declares = ({ texts, at }: Tokens): boolean => /^[A-Za-z_]/.test(texts[at + 1] ?? '') && texts[at + 2] === '{';

function readMember(parse: Parse, message: ParsedMessage): void {
  const { tokens } = parse;
  const word = peek(tokens);
  if (word === 'message' && declares(tokens)) {
    tokens.at++;
    message.messages.push(readMessage(parse));
  } else if (word === 'enum' && declares(tokens)) {
    tokens.at++;
    message.enums.push(readEnum(parse));
  } else if (word === 'oneof' && declares(tokens)) {
    tokens.at++;
    readOneof(parse, message);
  } else if (['option', 'reserved', 'extensions', 'extend'].includes(word) && tokens.texts[tokens.at + 2] !== '=')
    passOver(tokens);
  else if (word === 'option') passOver(tokens);
  else if (word !== ';') message.fields.push(readField(parse, null));
  else tokens.at++;
}

function readOneof(parse: Parse, message: ParsedMessage): void {
  const { tokens } = parse;
  const oneof = message.oneofCount++;
  takeName(tokens);
  take(tokens, '{');
  while (!accept(tokens, '}')) {
    if (peek(tokens) === 'option') passOver(tokens);
    else if (!accept(tokens, ';')) message.fields.push(readField(parse, oneof));
  }
}

const labels = ['repeated', 'optional', 'required'] as const;

function readField(parse: Parse, oneof: number | null): ParsedField {
  const { tokens } = parse;
  count(parse);
  const label = labels.find((one) => one === peek(tokens)) ?? null;
  if (label !== null) tokens.at++;
  let typeName = next(tokens);
  let keyName: string | null = null;
  if (typeName === 'group') throw new SchemaRefused('groups are not read; write a message instead');
  if (typeName === 'map' && accept(tokens, '<')) {
    keyName = next(tokens);
    take(tokens, ',');
    typeName = next(tokens);
    take(tokens, '>');
  }
  if (!/^\.?[A-Za-z_]/.test(typeName)) {
    tokens.at--;
    throw wrong(tokens, 'the type of a field');
  }
  const name = takeName(tokens);
  take(tokens, '=');
  const number = takeNumber(tokens);
  const options = accept(tokens, '[') ? readOptions(tokens) : new Map<string, string>();
  take(tokens, ';');
  if (number < 1 || number > 536_870_911) throw new SchemaRefused(`field ${name} has the number ${number}`);
  return { name, number, typeName, keyName, label, oneof, options };
}

/** `[packed = true, (custom).x = { … }]`: what is not plain is passed over. */
function readOptions(tokens: Tokens): ReadonlyMap<string, string> {
  const options = new Map<string, string>();
  for (let depth = 0; ; ) {
    const text = next(tokens);
    if (depth === 0 && text === ']') return options;
    if (text === '{' || text === '[' || text === '(') depth++;
    else if (text === '}' || text === ']' || text === ')') depth--;
    else if (depth === 0 && peek(tokens) === '=' && /^[a-z_]+$/.test(text)) {
      tokens.at++;
      if (!['{', '['].includes(peek(tokens))) options.set(text, readConstant(tokens));
    }
  }
}

/** Texts that stand behind one another are one. */
function readConstant(tokens: Tokens): string {
  const sign = accept(tokens, '-') ? '-' : '';
  if (sign === '') accept(tokens, '+');
  let text = sign + next(tokens);
  if (isQuoted(text)) while (isQuoted(peek(tokens))) text += next(tokens);
  return text;
}

const isQuoted = (text: string): boolean => text.startsWith('"') || text.startsWith("'");

function readEnum(parse: Parse): ParsedEnum {
  const { tokens } = parse;
  count(parse);
  const name = takeName(tokens);
  const values: [string, number][] = [];
  take(tokens, '{');
  while (!accept(tokens, '}')) {
    if (accept(tokens, ';')) continue;
    if ((peek(tokens) === 'option' || peek(tokens) === 'reserved') && tokens.texts[tokens.at + 1] !== '=') {
      passOver(tokens);
      continue;
    }
    count(parse);
    const value = takeName(tokens);
    take(tokens, '=');
    values.push([value, takeNumber(tokens)]);
    if (accept(tokens, '[')) readOptions(tokens);
    take(tokens, ';');
  }
  if (values.length === 0) throw new SchemaRefused(`enum ${name} has no values`);
  return { name, values };
}
