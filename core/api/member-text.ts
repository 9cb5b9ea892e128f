// The text of one member of a JSON object, exactly as it was sent: what was parsed has lost digits.
import { endOfString } from '#core/api/read-json.ts';

/** `text` must be a valid JSON object that names no member twice; null where there is no such member. */
export function memberText(text: string, name: string): string | null {
  let depth = 0;
  /** The newest string at the object's own level: the key, where a colon follows. */
  let quoted = '';
  let start: number | null = null;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') {
      const end = endOfString(text, at);
      if (depth === 1 && start === null) quoted = text.slice(at, end + 1);
      at = end;
    } else if (character === '{' || character === '[') depth++;
    else if (character === ':' && depth === 1) {
      if (JSON.parse(quoted) === name) start = at + 1;
    } else if (character === '}' || character === ']' || character === ',') {
      if (start !== null && depth === 1) return text.slice(start, at).trim();
      if (character !== ',') depth--;
    }
  }
  return null;
}
