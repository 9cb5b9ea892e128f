// initcap: each word with a capital, by Unicode's full mapping to title case.

/** A word is a run of letters and decimal digits. */
const words = /[\p{Alphabetic}\p{Nd}]+/gu;

export function capitalizeWords(text: string): string {
  // Lowered as a whole: a sigma is another one at the end of a word. All other letters are lowered on their own.
  const lower = text.toLowerCase();
  let result = '';
  let from = 0;
  let lowerAt = 0;
  for (const match of text.matchAll(words)) {
    const first = String.fromCodePoint(match[0].codePointAt(0)!);
    const firstAt = lowerAt + text.slice(from, match.index).toLowerCase().length;
    result += lower.slice(lowerAt, firstAt) + titleCase(first);
    lowerAt = firstAt + first.toLowerCase().length;
    from = match.index + first.length;
  }
  return result + lower.slice(lowerAt);
}

/** Letters that stand for two have a form of their own. */
const digraphs: ReadonlyMap<string, string> = new Map([
  ...['Ǆ', 'ǅ', 'ǆ'].map((letter) => [letter, 'ǅ'] as const),
  ...['Ǉ', 'ǈ', 'ǉ'].map((letter) => [letter, 'ǈ'] as const),
  ...['Ǌ', 'ǋ', 'ǌ'].map((letter) => [letter, 'ǋ'] as const),
  ...['Ǳ', 'ǲ', 'ǳ'].map((letter) => [letter, 'ǲ'] as const),
  ['ŉ', 'ʼN'],
]);
/** The small iota below a Greek letter, which stays below the capital. */
const iotaBelow = '\u0345';
/** Georgian writes a capital only where all letters are capitals. */
const georgian = /[\u10d0-\u10ff]/;

function titleCase(letter: string): string {
  const parts = letter.normalize('NFD');
  if (parts.length > 1 && parts.includes(iotaBelow)) {
    const capital = parts.replace(iotaBelow, '').normalize('NFC').toUpperCase();
    return capital.length === 1 ? (capital + iotaBelow).normalize('NFC') : capital + iotaBelow;
  }
  if (georgian.test(letter)) return letter;
  const [head = '', ...others] = letter.toUpperCase();
  return digraphs.get(letter) ?? head + others.join('').toLowerCase();
}
