// A copy of plain data: what a store hands out shares nothing with what it keeps. Many times quicker than structuredClone, which simulations feel.

export function plainCopy<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(plainCopy) as Value;
  const copy: Record<string, unknown> = {};
  for (const name of Object.keys(value)) copy[name] = plainCopy((value as Record<string, unknown>)[name]);
  return copy as Value;
}
