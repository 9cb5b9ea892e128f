// SQL's SIMILAR TO pattern as a regular expression, to the letter as PostgreSQL makes it: `%` and `_` as in LIKE, the rest of its syntax is shared.
import { EvaluationFault } from '../fault.ts';

/** Between the parts of a pattern that has escaped double quotes: PostgreSQL takes the least for the first of them. */
const separators = ['){1,1}?(', '){1,1}(?:'];

/** What stands for something else outside of brackets. */
const outside: Readonly<Record<string, string>> = {
  ...{ '%': '.*', _: '.', '(': '(?:', '\\': '\\\\', '.': '\\.', '^': '\\^', $: '\\$' },
};

/** `by`: the escape character; '' where there is none. One at the end of the pattern escapes nothing. */
export function similarPattern(pattern: string, by: string): string {
  if ([...by].length > 1)
    throw new EvaluationFault('invalid_escape_sequence', 'invalid escape string: it must be empty or one character');
  let result = '^(?:';
  let isEscaped = false;
  let separatorCount = 0;
  const brackets = new Brackets();
  for (const char of pattern) {
    if (isEscaped) {
      const isSeparator = char === '"' && !brackets.isOpen;
      result += isSeparator ? separatorOf(separatorCount++) : `\\${char}`;
      if (!isSeparator) brackets.escaped();
      isEscaped = false;
    } else if (char === by) isEscaped = true;
    else if (brackets.isOpen) {
      result += char === '\\' ? '\\\\' : char;
      brackets.within(char);
    } else {
      result += Object.hasOwn(outside, char) ? outside[char] : char;
      if (char === '[') brackets.open();
    }
  }
  return `${result})$`;
}

function separatorOf(index: number): string {
  const separator = separators[index];
  if (separator !== undefined) return separator;
  throw new EvaluationFault(
    'invalid_use_of_escape_character',
    'SQL regular expression may not contain more than two escape-double-quote separators',
  );
}

/** Where a bracket expression ends, which may hold others (`[[:digit:]]`) and begin with a bracket that closes nothing (`[]a]`, `[^]a]`). */
class Brackets {
  #depth = 0;
  /** How many carets stand at its very beginning; null behind that. */
  #carets: number | null = null;

  get isOpen(): boolean {
    return this.#depth > 0;
  }

  open(): void {
    this.#depth = 1;
    this.#carets = 0;
  }

  escaped(): void {
    this.#carets = null;
  }

  within(char: string): void {
    const isAtStart = this.#carets !== null && this.#carets < 2;
    if (char === ']' && !isAtStart) this.#depth--;
    else if (char === '[') this.#depth++;
    this.#carets = char === '^' && this.#carets !== null ? this.#carets + 1 : null;
  }
}
