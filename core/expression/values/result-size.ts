// How large a result may become: one event may not use up its worker.
import { limits } from '../../limits.ts';
import { EvaluationFault } from '../fault.ts';

/** Asked before a text is put together. */
export function checkTextSize(chars: number): void {
  if (chars > limits.resultCharsMax) throw tooLong(limits.resultCharsMax);
}

/** The same for a text that can only be measured when it is there; for functions that make it at most a few times longer. */
export function ofTextSize(text: string): string {
  checkTextSize(text.length);
  return text;
}

export function checkItemCount(count: number): void {
  if (count <= limits.resultItemsMax) return;
  throw new EvaluationFault('program_limit_exceeded', `the result would have more than ${limits.resultItemsMax} items`);
}

export function checkJsonSize(chars: number): void {
  if (chars > limits.resultJsonCharsMax) throw tooLong(limits.resultJsonCharsMax);
}

/** The size of a JSON value's or an array's text while it is put together part by part. */
export class PartsSize {
  #chars = 0;

  /** Gives the part back, or refuses the whole. */
  take(part: string): string {
    this.#chars += part.length;
    checkJsonSize(this.#chars);
    return part;
  }
}

function tooLong(charsMax: number): EvaluationFault {
  return new EvaluationFault('program_limit_exceeded', `the result would be longer than ${charsMax} characters`);
}
