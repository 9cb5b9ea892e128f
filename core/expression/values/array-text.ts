// PostgreSQL's array literal: `{1,NULL,"with, comma"}`, one dimension.
import { EvaluationFault } from '../fault.ts';
import { PartsSize } from './result-size.ts';
import type { Value } from './value.ts';

function malformed(text: string): EvaluationFault {
  return new EvaluationFault('invalid_text_representation', `malformed array literal: "${text.slice(0, 80)}"`);
}

const itemPattern = /\s*(?:"((?:[^"\\]|\\.)*)"|([^{}",\\\s](?:(?:[^{}",\\]|\\.)*[^{}",\\\s])?))\s*([,}])/sy;

export function parseArray(text: string, readItem: (item: string) => Value): readonly Value[] {
  const trimmed = text.trim();
  if (!trimmed.startsWith('{') || !trimmed.endsWith('}')) throw malformed(text);
  if (/^\{\s*\}$/.test(trimmed)) return [];
  if (/^\{\s*\{/.test(trimmed)) {
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
  if (text !== '' && !/[{}",\\\s]/.test(text) && !/^null$/i.test(text)) return text;
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}
