// A fault planted on purpose: a textual patch of one file, and what must notice it.

/** Instead of a test's path: the simulation, over its first seeds. */
export const simulated = 'the simulation';

export interface Mutant {
  readonly name: string;
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly before: string;
  readonly after: string;
  /** Tests of the unit kind by path, or the simulation; tried in this order until one fails. */
  readonly by: readonly string[];
}
