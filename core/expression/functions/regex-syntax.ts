// PostgreSQL's regular expressions (its "advanced" ones, chapter 9.7.3 of its manual) said in RE2's syntax, which looks alike and means other things.
import { RE2JS } from 're2js';
import { EvaluationFault } from '../fault.ts';

/** How a pattern is meant; flags and the pattern's own `(?i)` set it. */
interface Mode {
  readonly ignoresCase: boolean;
  /** A dot and `[^a]` do not match a newline. */
  readonly stopsAtNewline: boolean;
  /** `^` and `$` match at every line. */
  readonly anchorsLines: boolean;
  readonly isLiteral: boolean;
  /** White space and comments in the pattern count for nothing. */
  readonly isExpanded: boolean;
}

export interface Re2Pattern {
  readonly text: string;
  /** Of RE2JS. */
  readonly options: number;
}

const plainMode: Mode = {
  ...{ ignoresCase: false, stopsAtNewline: false, anchorsLines: false, isLiteral: false, isExpanded: false },
};

const modes: Readonly<Record<string, Partial<Mode>>> = {
  c: { ignoresCase: false },
  i: { ignoresCase: true },
  m: { stopsAtNewline: true, anchorsLines: true },
  n: { stopsAtNewline: true, anchorsLines: true },
  p: { stopsAtNewline: true, anchorsLines: false },
  q: { isLiteral: true },
  s: { stopsAtNewline: false, anchorsLines: false },
  t: { isExpanded: false },
  w: { stopsAtNewline: false, anchorsLines: true },
  x: { isExpanded: true },
};

const patternCharsMax = 4_096;

export const invalidRegex = (pattern: string, why: string): EvaluationFault =>
  new EvaluationFault('invalid_regular_expression', `invalid regular expression "${pattern.slice(0, 80)}": ${why}`);

/** `flags`: as a function takes them; `g`, which is the function's own, counts for nothing here. */
export function translateRegex(pattern: string, flags: string): Re2Pattern {
  if (pattern.length > patternCharsMax) throw invalidRegex(pattern, `longer than ${patternCharsMax} characters`);
  let mode = plainMode;
  for (const flag of flags) {
    if (!Object.hasOwn(modes, flag) && flag !== 'g')
      throw new EvaluationFault('invalid_parameter_value', `invalid regular expression option: "${flag}"`);
    mode = { ...mode, ...modes[flag] };
  }
  return new Translation(pattern, mode).translate();
}

/** Of RE2's syntax; only an atom can be repeated. */
interface Piece {
  readonly text: string;
  readonly kind: 'atom' | 'quantifier' | 'other';
}
const atom = (text: string): Piece => ({ text, kind: 'atom' });
const other = (text: string): Piece => ({ text, kind: 'other' });

const repeatsMax = 255;

/** One pass over one pattern. */
class Translation {
  readonly #pattern: string;
  #mode: Mode;
  #at = 0;
  #last: Piece['kind'] = 'other';
  #isGreedy = true;
  /** Groups that were opened. */
  #groupCount = 0;

  constructor(pattern: string, mode: Mode) {
    this.#pattern = pattern;
    this.#mode = mode;
  }

  translate(): Re2Pattern {
    this.#readDirectors();
    const text = this.#mode.isLiteral ? RE2JS.quote(this.#pattern.slice(this.#at)) : this.#readAll();
    const { ignoresCase, stopsAtNewline, anchorsLines } = this.#mode;
    const options =
      (ignoresCase ? RE2JS.CASE_INSENSITIVE : 0) |
      (stopsAtNewline ? 0 : RE2JS.DOTALL) |
      (anchorsLines ? RE2JS.MULTILINE : 0) |
      // Like PostgreSQL, a pattern without a non-greedy quantifier matches the longest text.
      (this.#isGreedy ? RE2JS.LONGEST_MATCH : 0);
    return { text, options };
  }

  /** `***=`, `***:` and `(?flags)`, which stand at the beginning only. */
  #readDirectors(): void {
    if (this.#mode.isLiteral) return;
    if (this.#take('***=')) {
      this.#mode = { ...this.#mode, isLiteral: true };
      return;
    }
    this.#take('***:');
    const letters = /^\(\?([A-Za-z]+)\)/.exec(this.#pattern.slice(this.#at));
    if (letters === null) return;
    this.#at += letters[0].length;
    for (const flag of letters[1]!) {
      if (!Object.hasOwn(modes, flag)) throw this.#invalid('invalid embedded option');
      this.#mode = { ...this.#mode, ...modes[flag] };
    }
  }

  #readAll(): string {
    let text = '';
    while (this.#at < this.#pattern.length) {
      if (this.#skipped()) continue;
      const piece = this.#readPiece();
      text += piece.text;
      this.#last = piece.kind;
    }
    return text;
  }

  #readPiece(): Piece {
    const char = this.#nextChar();
    switch (char) {
      case '*':
      case '+':
      case '?':
        return this.#quantify(char);
      case '{':
        return /\d/.test(this.#peek()) ? this.#readBounds() : atom('\\{');
      case '(':
        return this.#openGroup();
      case ')':
        return atom(')');
      case '|':
        return other('|');
      case '^':
      case '$':
        return other(char);
      case '.':
        return atom('.');
      case '[':
        return this.#readBrackets();
      case '\\':
        return this.#readEscape();
      default:
        return atom(literal(char));
    }
  }

  /** Comments, and what counts for nothing in the expanded syntax. */
  #skipped(): boolean {
    const ignored = this.#mode.isExpanded ? /^(?:[ \t\n\r\v\f]+|#[^\n]*|\(\?#[^)]*\)?)/ : /^\(\?#[^)]*\)?/;
    const skipped = ignored.exec(this.#pattern.slice(this.#at));
    this.#at += skipped?.[0].length ?? 0;
    return skipped !== null;
  }

  #quantify(text: string): Piece {
    if (this.#last !== 'atom') throw this.#invalid('quantifier operand invalid');
    const isLazy = this.#take('?');
    if (isLazy) this.#isGreedy = false;
    return { text: isLazy ? `${text}?` : text, kind: 'quantifier' };
  }

  #readBounds(): Piece {
    const bounds = /^(\d+)(,(\d*))?\}/.exec(this.#pattern.slice(this.#at));
    if (bounds === null) throw this.#invalid('invalid repetition count(s)');
    const [whole, min, more, max] = bounds;
    const greatest = Number(max || min);
    if (Number(min) > greatest || greatest > repeatsMax) throw this.#invalid('invalid repetition count(s)');
    this.#at += whole.length;
    return this.#quantify(more === undefined ? `{${min}}` : `{${min},${max}}`);
  }

  #openGroup(): Piece {
    if (!this.#take('?')) {
      this.#groupCount++;
      return other('(');
    }
    if (this.#take(':')) return other('(?:');
    const isAround = ['=', '!', '<=', '<!'].some((mark) => this.#pattern.startsWith(mark, this.#at));
    throw this.#invalid(isAround ? 'look-around is not supported' : 'quantifier operand invalid');
  }

  #readEscape(): Piece {
    const letter = this.#nextChar();
    if (Object.hasOwn(constraints, letter)) return other(constraints[letter]!);
    if (Object.hasOwn(classes, letter)) return atom(`[${classes[letter]}]`);
    return atom(literal(this.#escaped(letter)));
  }

  /** The character that an escape stands for. */
  #escaped(letter: string): string {
    if (!/^[A-Za-z0-9]$/.test(letter)) {
      if (letter === '') throw this.#invalid('invalid escape \\ sequence');
      return letter;
    }
    if (Object.hasOwn(escapes, letter)) return escapes[letter]!;
    switch (letter) {
      case 'c':
        return String.fromCharCode((this.#nextChar() || this.#missing()).charCodeAt(0) & 0x1f);
      case 'u':
        return this.#charOf(/^[0-9a-f]{4}/i, 16);
      case 'U':
        return this.#charOf(/^[0-9a-f]{8}/i, 16);
      case 'x':
        return this.#charOf(/^[0-9a-f]{1,255}/i, 16);
      case '0':
        this.#at--;
        return this.#octal();
      case 'm':
      case 'M':
        throw this.#invalid(`\\${letter} is not supported; use \\y`);
      default:
        if (/\d/.test(letter)) return this.#numbered();
        throw this.#invalid(`invalid escape \\ sequence: \\${letter}`);
    }
  }

  /** One digit, or as many as there are groups, is a back reference; else it is a character in octal. */
  #numbered(): string {
    this.#at--;
    const [digits] = /^\d+/.exec(this.#pattern.slice(this.#at))!;
    if (digits.length === 1 || Number(digits) <= this.#groupCount)
      throw this.#invalid('back references are not supported');
    return this.#octal();
  }

  #octal(): string {
    return this.#charOf(/^(?:[0-3][0-7]{0,2}|[4-7][0-7]?)/, 8);
  }

  #missing(): never {
    throw this.#invalid('invalid escape \\ sequence');
  }

  #charOf(digits: RegExp, radix: number): string {
    const found = digits.exec(this.#pattern.slice(this.#at))?.[0] ?? this.#missing();
    this.#at += found.length;
    const code = Number.parseInt(found, radix);
    if (code > 0x10_ff_ff || (code >= 0xd8_00 && code <= 0xdf_ff)) throw this.#invalid('invalid escape \\ sequence');
    return String.fromCodePoint(code);
  }

  #readBrackets(): Piece {
    if (this.#take('[:<:]]') || this.#take('[:>:]]'))
      throw this.#invalid('[[:<:]] and [[:>:]] are not supported; use \\y');
    const isNegated = this.#take('^');
    let items = '';
    for (let isFirst = true; isFirst || this.#peek() !== ']'; isFirst = false) items += this.#bracketItem(isFirst);
    this.#at++;
    // A newline is in every set that stops at newlines when it is negated.
    return atom(`[${isNegated ? '^' : ''}${items}${isNegated && this.#mode.stopsAtNewline ? '\\n' : ''}]`);
  }

  #bracketItem(isFirst: boolean): string {
    const from = this.#bracketElement();
    if (from.kind === 'class') return from.text;
    const isRangeAlone = from.isBareDash && !isFirst && this.#peek() !== ']';
    if (isRangeAlone) throw this.#invalid('invalid character range');
    const isRange = this.#peek() === '-' && this.#pattern[this.#at + 1] !== ']';
    if (!isRange) return literal(from.char);
    this.#at++;
    const to = this.#bracketElement();
    if (to.kind === 'class' || from.char.codePointAt(0)! > to.char.codePointAt(0)!)
      throw this.#invalid('invalid character range');
    return `${literal(from.char)}-${literal(to.char)}`;
  }

  #bracketElement(): BracketElement {
    const char = this.#nextChar();
    if (char === '') throw this.#invalid('brackets [] not balanced');
    if (char === '[' && /[.=:]/.test(this.#peek())) return this.#bracketName(this.#nextChar());
    if (char !== '\\') return { kind: 'char', char, isBareDash: char === '-' };
    const letter = this.#nextChar();
    if (Object.hasOwn(classes, letter)) return { kind: 'class', text: classes[letter]! };
    if (Object.hasOwn(constraints, letter)) throw this.#invalid(`invalid escape \\ sequence: \\${letter}`);
    return { kind: 'char', char: this.#escaped(letter), isBareDash: false };
  }

  /** `[:alpha:]`, `[.a.]`, `[=a=]`. */
  #bracketName(mark: string): BracketElement {
    const end = this.#pattern.indexOf(`${mark}]`, this.#at);
    if (end < 0) throw this.#invalid('brackets [] not balanced');
    const name = this.#pattern.slice(this.#at, end);
    this.#at = end + 2;
    if (mark === ':') {
      if (!classNames.has(name)) throw this.#invalid('invalid character class');
      return { kind: 'class', text: `[:${name}:]` };
    }
    if ([...name].length !== 1) throw this.#invalid(`collating element ${name} is not supported`);
    return { kind: 'char', char: name, isBareDash: false };
  }

  #peek(): string {
    return this.#pattern[this.#at] ?? '';
  }

  /** Takes a whole character, of two code units where it is one; '' at the end. */
  #nextChar(): string {
    const code = this.#pattern.codePointAt(this.#at);
    if (code === undefined) return '';
    const char = String.fromCodePoint(code);
    this.#at += char.length;
    return char;
  }

  #take(text: string): boolean {
    if (!this.#pattern.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #invalid(why: string): EvaluationFault {
    return invalidRegex(this.#pattern, why);
  }
}

type BracketElement =
  | { readonly kind: 'char'; readonly char: string; readonly isBareDash: boolean }
  | { readonly kind: 'class'; readonly text: string };

/** Escapes that match a place and no character: nothing can repeat them. */
const constraints: Readonly<Record<string, string>> = { A: '\\A', Z: '\\z', y: '\\b', Y: '\\B' };

/** As they stand within brackets. */
const classes: Readonly<Record<string, string>> = {
  ...{ d: '\\d', D: '\\D', w: '\\w', W: '\\W', s: '[:space:]', S: '[:^space:]' },
};

/** In PostgreSQL `\b` is a backspace and `\B` a backslash. */
const escapes: Readonly<Record<string, string>> = {
  ...{ a: '\u0007', b: '\b', B: '\\', e: '\u001b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' },
};

const classNames: ReadonlySet<string> = new Set([
  ...['alnum', 'alpha', 'ascii', 'blank', 'cntrl', 'digit', 'graph', 'lower', 'print', 'punct', 'space', 'upper'],
  ...['word', 'xdigit'],
]);

/** A character that stands for itself, in brackets and outside. */
function literal(char: string): string {
  const code = char.codePointAt(0)!;
  return code > 127 || /\w/.test(char) ? char : `\\x{${code.toString(16)}}`;
}
