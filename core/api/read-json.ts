// Request bodies as JSON, refused where two readers of the same text could understand different things.
import { limits } from '#core/limits.ts';
import { ok, type Result, refuse } from '#core/result.ts';
import type { Json } from '#core/spec/json.ts';

export interface JsonProblem {
  readonly code: 'not-json' | 'too-deep' | 'too-many-keys' | 'duplicate-key' | 'forbidden-key';
  readonly message: string;
}

export interface JsonBounds {
  readonly depthMax: number;
  /** Keys and elements, over the whole text. */
  readonly keysMax: number;
}

/** What a document may have: a text that holds several is read by a bound of its own. */
const documentBounds: JsonBounds = { depthMax: limits.documentDepthMax, keysMax: limits.documentKeysMax };

const forbiddenKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Depth, number of keys, forbidden and repeated keys are looked at in the text: the parsed value shows no repetition. */
export function readJson(text: string, bounds: Partial<JsonBounds> = {}): Result<Json, JsonProblem> {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (error) {
    return refuse({ code: 'not-json', message: `got no valid JSON: ${(error as SyntaxError).message}` });
  }
  const problem = checkKeys(text, { ...documentBounds, ...bounds });
  return problem === null ? ok(value) : refuse(problem);
}

/** `text` must be valid JSON: then a string is a key exactly where an object stands before its next colon. */
function checkKeys(text: string, { depthMax, keysMax }: JsonBounds): JsonProblem | null {
  /** For each open object its keys, for each open array null. */
  const open: (Set<string> | null)[] = [];
  let expectsKey = false;
  let keyCount = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
      case '{':
      case '[':
        open.push(text[at] === '{' ? new Set() : null);
        if (open.length > depthMax) return { code: 'too-deep', message: `nested deeper than ${depthMax} levels` };
        expectsKey = text[at] === '{';
        break;
      case '}':
      case ']':
        open.pop();
        expectsKey = false;
        break;
      case ',':
        if (++keyCount > keysMax) return tooManyKeys(keysMax);
        expectsKey = open.at(-1) !== null;
        break;
      case '"': {
        const end = endOfString(text, at);
        if (expectsKey) {
          const problem = checkKey(text.slice(at, end + 1), open.at(-1) ?? new Set());
          if (problem) return problem;
        }
        expectsKey = false;
        at = end;
        break;
      }
    }
  }
  return null;
}

const tooManyKeys = (keysMax: number): JsonProblem => ({
  code: 'too-many-keys',
  message: `got more keys and elements than ${keysMax}, expected at most as many`,
});

function checkKey(quoted: string, known: Set<string>): JsonProblem | null {
  const key = quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1);
  if (forbiddenKeys.has(key))
    return { code: 'forbidden-key', message: `got the key ${JSON.stringify(key)}, which is refused everywhere` };
  if (known.has(key))
    return { code: 'duplicate-key', message: `got the key ${JSON.stringify(key)} twice in one object` };
  known.add(key);
  return null;
}

/** Index of the closing quote of the string that begins at `start`, in a text that is valid JSON. */
export function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}

/** The texts of a JSON array's elements, exactly as they stand there; null where the text is no valid JSON array. */
export function splitJsonArray(text: string): readonly string[] | null {
  try {
    if (!Array.isArray(JSON.parse(text))) return null;
  } catch {
    return null;
  }
  const elements: string[] = [];
  let depth = 0;
  let start = text.indexOf('[') + 1;
  const take = (end: number): void => {
    const element = text.slice(start, end).trim();
    if (element !== '') elements.push(element);
  };
  for (let at = start; at < text.length; at++) {
    const character = text[at];
    if (character === '"') at = endOfString(text, at);
    else if (character === '{' || character === '[') depth++;
    else if ((character === '}' || character === ']') && depth > 0) depth--;
    else if (depth === 0 && (character === ',' || character === ']')) {
      take(at);
      start = at + 1;
    }
  }
  return elements;
}
