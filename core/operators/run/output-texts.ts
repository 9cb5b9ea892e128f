// What a chain made of a record, as text, for people and tests.
import type { Outputs } from './chain.ts';

const decoder = new TextDecoder();

export function outputTexts({ count, values, valueEnds }: Outputs): readonly string[] {
  return Array.from({ length: count }, (_, index) =>
    decoder.decode(values.bytes.subarray(index === 0 ? 0 : valueEnds[index - 1]!, valueEnds[index]!)),
  );
}
