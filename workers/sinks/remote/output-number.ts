// Which of a record's outputs this is: where operators make several of one, its offset alone does not tell them apart.
import type { Unit } from '../../split.ts';

/** Counts from 0 for each record; the outputs of a record come one after the other, in one unit. */
export class OutputNumber {
  #unit: Unit | null = null;
  #offset = -1;
  #number = 0;

  next(unit: Unit, offset: number): number {
    this.#number = unit === this.#unit && offset === this.#offset ? this.#number + 1 : 0;
    this.#unit = unit;
    this.#offset = offset;
    return this.#number;
  }
}
