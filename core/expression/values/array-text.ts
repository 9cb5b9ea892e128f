// PostgreSQL's array literal: `{1,NULL,"with, comma"}`, one dimension.
import { EvaluationFault } from '../fault.ts';
import { PartsSize } from './result-size.ts';
import type { Value } from './value.ts';
import { space, trimSpace } from './white-space.ts';

function malformed(text: string): EvaluationFault {
  return new EvaluationFault('invalid_text_representation', `malformed array literal: "${text.slice(0, 80)}"`);
}

const quotedPart = String.raw`"((?:[^"\\]|\\.)*)"`;
/** What is escaped counts as no white space. */
const edge = String.raw`(?:[^{}",\\ \t\n\r\v\f]|\\.)`;
const barePart = String.raw`(${edge}(?:(?:[^{}",\\]|\\.)*${edge})?)`;
const itemPattern = new RegExp(`${space}*(?:${quotedPart}|${barePart})${space}*([,}])`, 'sy');
const emptyPattern = new RegExp(`^\\{${space}*\\}$`);
const nestedPattern = new RegExp(`^\\{${space}*\\{`);

export function parseArray(text: string, readItem: (item: string) => Value): readonly Value[] {
  const trimmed = trimSpace(text);
  if (!trimmed.startsWith('{') || !trimmed.endsWith('}')) throw malformed(text);
  if (emptyPattern.test(trimmed)) return [];
  if (nestedPattern.test(trimmed)) {
    throw new EvaluationFault('feature_not_supported', 'arrays of more than one dimension are not supported');
  }
  const items: Value[] = [];
  itemPattern.lastIndex = 1;
  while (itemPattern.lastIndex < trimmed.length) {
    const match = itemPattern.exec(trimmed);
    if (match === null) throw malformed(text);
    const [, quoted, bare, closing] = match;
    if (closing === '}' && itemPattern.lastIndex < trimmed.length) throw malformed(text);
    if (quoted !== undefined) items.push(readItem(quoted.replaceAll(/\\(.)/gs, '$1')));
    else items.push(/^null$/i.test(bare!) ? null : readItem(bare!.replaceAll(/\\(.)/gs, '$1')));
    if (closing === '}') return items;
  }
  throw malformed(text);
}

export function formatArray(items: readonly Value[], showItem: (item: Exclude<Value, null>) => string): string {
  const size = new PartsSize();
  return `{${items.map((item) => size.take(item === null ? 'NULL' : quoteItem(showItem(item)))).join(',')}}`;
}

function quoteItem(text: string): string {
  if (text !== '' && !/[{}",\\ \t\n\r\v\f]/.test(text) && !/^null$/i.test(text)) return text;
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}
