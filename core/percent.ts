// A share as people read it, to three digits.
export const percent = (share: number): string => `${Number((share * 100).toPrecision(3))}%`;
