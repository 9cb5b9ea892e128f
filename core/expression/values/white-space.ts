// White space as PostgreSQL's readers of text skip it: six characters of ASCII. Others (a no-break space) are part of the text.

/** For patterns: where they say "white space", this is meant, and not JavaScript's `\s`. */
export const space = String.raw`[ \t\n\r\v\f]`;

const isSpace = (code: number): boolean => code === 32 || (code >= 9 && code <= 13);

/** Without white space around. In one pass, whatever the text. */
export function trimSpace(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isSpace(text.charCodeAt(from))) from++;
  while (to > from && isSpace(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}
