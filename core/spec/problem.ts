// How a declaration is refused.

/** What is wrong with a declaration, in words its author can act on. */
export interface SpecProblem {
  /** Where, as in the file: `spec.to[0].stream`. */
  readonly path: string;
  /** What was got and what was expected. */
  readonly message: string;
  /** What to do. */
  readonly fix?: string;
  /** For problems inside an expression, 1-based, within the expression's text. */
  readonly line?: number;
  readonly column?: number;
}
