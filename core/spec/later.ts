// What the contract names and this version does not carry out yet: refused by name, never accepted and ignored.

/** Path (without indices) → what to do instead. */
const laterFields: Readonly<Record<string, string>> = {
  'spec.delivery.lossBudget': 'leave it out: this version delivers at-least-once, which loses nothing',
  'spec.errors.retryable': 'leave it out: a sink that cannot be written is retried until it can',
  'spec.errors.auth': 'leave it out: an authorization error is retried and shown, never acknowledged',
  'spec.errors.deadLetter': 'leave it out: dead letters have no rate limit yet',
  'spec.throttle': 'leave it out',
  'spec.autoscale': 'set `resources.workers` by hand',
  'spec.health.restartBudget': 'leave it out: restarts back off to five minutes',
  'spec.alerts': 'leave it out',
  'spec.config': 'leave it out',
};

/** Path (without indices) → values that the contract names for later, with what to do instead. */
const laterValues: Readonly<Record<string, readonly string[]>> = {
  'spec.durability': ['available'],
  'spec.format': ['avro', 'protobuf'],
  'spec.delivery.guarantee': ['exactly-once', 'loss-tolerant'],
  'spec.delivery.onRedeploy': ['lower-latency'],
};

export const laterFieldFix = (path: string): string | null =>
  Object.hasOwn(laterFields, path) ? laterFields[path]! : null;

export const isLaterValue = (path: string, value: unknown): boolean =>
  typeof value === 'string' && Object.hasOwn(laterValues, path) && laterValues[path]!.includes(value);
