// Walks over JSON that is known to be well formed, by offsets in its bytes.

const quote = 0x22;

export function skipSpace(bytes: Uint8Array, at: number): number {
  while (bytes[at]! <= 0x20) at++;
  return at;
}

/** Behind the string that begins at `at`. */
export function stringEnd(bytes: Uint8Array, at: number): number {
  at++;
  while (bytes[at] !== quote) at += bytes[at] === 0x5c ? 2 : 1;
  return at + 1;
}

/** Behind the value that begins at `at`; `end` bounds a number that nothing follows. */
export function valueEnd(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at]!;
  if (first === quote) return stringEnd(bytes, at);
  if (first !== 0x7b && first !== 0x5b) {
    while (at < end && !endsScalar(bytes[at]!)) at++;
    return at;
  }
  let depth = 0;
  do {
    const byte = bytes[at]!;
    if (byte === quote) {
      at = stringEnd(bytes, at);
      continue;
    }
    if (byte === 0x7b || byte === 0x5b) depth++;
    else if (byte === 0x7d || byte === 0x5d) depth--;
    at++;
  } while (depth > 0);
  return at;
}

const endsScalar = (byte: number): boolean => byte === 0x2c || byte === 0x7d || byte === 0x5d || byte <= 0x20;

/** Calls `visit` with each element of the list that begins at `at`; gives the offset behind the list. */
export function eachElement(
  bytes: Uint8Array,
  at: number,
  end: number,
  visit: (start: number, end: number) => void,
): number {
  at = skipSpace(bytes, at + 1);
  if (bytes[at] === 0x5d) return at + 1;
  for (;;) {
    const last = valueEnd(bytes, at, end);
    visit(at, last);
    at = skipSpace(bytes, last);
    if (bytes[at] === 0x5d) return at + 1;
    at = skipSpace(bytes, at + 1);
  }
}

export function hasEscape(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] === 0x5c) return true;
  return false;
}
