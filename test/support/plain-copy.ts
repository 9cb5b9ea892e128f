// Copies of plain data, made when a store takes it: what it keeps shares nothing with whoever wrote it, and whoever reads it cannot change it. Many times quicker than structuredClone, which simulations feel.

/** Frozen to its leaves, so that a store can hand out the same again and again: changing it throws. */
export function frozenCopy<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return Object.freeze(value.map(frozenCopy)) as Value;
  const copy: Record<string, unknown> = {};
  for (const name of Object.keys(value)) {
    const member = (value as Record<string, unknown>)[name];
    copy[name] = typeof member === 'object' ? frozenCopy(member) : member;
  }
  return Object.freeze(copy) as Value;
}
