// The JSON of a schema with all digits of its whole numbers, read and written: a default may hold 64 bits.
import { limits } from '#core/limits.ts';

/** Whole numbers that a double may not hold are bigints. */
export type ExactJson =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly ExactJson[]
  | { readonly [key: string]: ExactJson };

/** Of well-formed JSON; commas, colons, words and space lie between. */
const part = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*|[[\]{}]/g;
const isWide = (number: string): boolean => /^-?\d+$/.test(number) && !Number.isSafeInteger(Number(number));

/** Throws SyntaxError, as JSON.parse does. */
export function parseExact(text: string): ExactJson {
  const json = JSON.parse(text) as ExactJson;
  let depth = 0;
  let holdsWide = false;
  for (const [found] of text.matchAll(part)) {
    if (found === '[' || found === '{') depth++;
    else if (found === ']' || found === '}') depth--;
    else if (found[0] !== '"') {
      holdsWide ||= isWide(found);
      if (!isWide(found) && !Number.isFinite(Number(found))) throw new SyntaxError(`the number ${found} is too large`);
    }
    if (depth > limits.recordDepthMax)
      throw new SyntaxError(`it is nested deeper than ${limits.recordDepthMax} levels`);
  }
  return holdsWide ? unmarked(JSON.parse(text.replace(part, marked)) as ExactJson) : json;
}

/** JSON.parse has no word for a wide number, so it becomes a text; and all texts say by their first letter which they are. */
function marked(found: string): string {
  if (found[0] === '"') return `"t${found.slice(1)}`;
  return isWide(found) ? `"n${found}"` : found;
}

function unmarked(json: ExactJson): ExactJson {
  if (typeof json === 'string') return json[0] === 'n' ? BigInt(json.slice(1)) : json.slice(1);
  if (Array.isArray(json)) return json.map(unmarked);
  if (typeof json !== 'object' || json === null) return json;
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key.slice(1), unmarked(value)]));
}

/** Without space. What was a double before it came here, and too large to be sure of its digits, keeps looking like one. */
export function exactText(json: ExactJson): string {
  if (Array.isArray(json)) return `[${json.map(exactText).join(',')}]`;
  if (typeof json === 'object' && json !== null)
    return `{${Object.entries(json)
      .map(([key, value]) => `${JSON.stringify(key)}:${exactText(value)}`)
      .join(',')}}`;
  if (typeof json === 'bigint') return json.toString();
  if (typeof json !== 'number') return JSON.stringify(json);
  if (Number.isInteger(json) && !Number.isSafeInteger(json)) return json.toExponential();
  return Object.is(json, -0) ? '-0' : JSON.stringify(json);
}
