// JSON as it is written in declarations.

/** JSON that a person wrote: kept as written, so that diffs show their words and defaults can improve under it. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
