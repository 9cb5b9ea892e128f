// What the contract names and this version does not carry out yet: refused by name, never accepted and ignored.

/** Path (without indices) → what to do instead. */
const laterFields: Readonly<Record<string, string>> = {
  'spec.autoscale': 'set `resources.workers` by hand',
  'spec.alerts': 'leave it out',
  'spec.health.restartBudget': 'leave it out: restarts back off to five minutes',
};

/** Path (without indices) → values that the contract names for later, with what to do instead. */
const laterValues: Readonly<Record<string, readonly string[]>> = {};

export const laterFieldFix = (path: string): string | null =>
  Object.hasOwn(laterFields, path) ? laterFields[path]! : null;

export const isLaterValue = (path: string, value: unknown): boolean =>
  typeof value === 'string' && Object.hasOwn(laterValues, path) && laterValues[path]!.includes(value);
