// The closed list of what can be configured in layers: each parameter's form, bounds and weight. Docs and help are made from it.
import { ok, type Result, refuse } from '#core/result.ts';
import { formatBytes, formatDuration, parseBytes, parseDuration } from '#core/spec/quantity.ts';

/** Bytes and milliseconds as numbers; null: none, where the form has that. */
export type ConfigValue = number | string | null;

type Form =
  | {
      readonly kind: 'bytes' | 'duration' | 'count';
      readonly min: number;
      readonly max: number;
      readonly orNone?: true;
    }
  | { readonly kind: 'word'; readonly words: readonly string[] };

export interface Parameter {
  readonly key: ParameterKey;
  readonly summary: string;
  readonly form: Form;
  /** Running workers take a change over; else they are replaced. */
  readonly live: boolean;
  /** Where a route says it in a field of its own. */
  readonly field?: string;
}

const KiB = 1024;
const MiB = 1024 * KiB;
const second = 1_000;

const stated = {
  'source.fetchBytesMax': {
    summary: 'What one answer of a broker holds at most.',
    form: { kind: 'bytes', min: 64 * KiB, max: 16 * MiB },
    live: true,
  },
  'source.fetchWait': {
    summary: 'How long a broker waits for events before it answers that there are none.',
    form: { kind: 'duration', min: 10, max: 5 * second },
    live: true,
  },
  'sink.linger': {
    summary: 'How long output to a stream waits for company in its batch.',
    form: { kind: 'duration', min: 0, max: second },
    live: true,
  },
  'sink.compression': {
    summary: 'Of output to a stream.',
    form: { kind: 'word', words: ['none', 'lz4', 'zstd'] },
    live: false,
  },
  'sink.batch.maxRecords': {
    summary: 'Records in one request to opensearch or http (not with format single).',
    form: { kind: 'count', min: 1, max: 10_000 },
    live: true,
    field: 'batch.maxRecords',
  },
  'sink.batch.maxBytes': {
    summary: 'The same in bytes.',
    form: { kind: 'bytes', min: KiB, max: 10 * MiB },
    live: true,
    field: 'batch.maxBytes',
  },
  'sink.batch.maxWait': {
    summary: 'How long a record waits for company in a request to opensearch or http.',
    form: { kind: 'duration', min: 0, max: 60 * second },
    live: true,
    field: 'batch.maxWait',
  },
  'throttle.recordsPerSecond': {
    summary: 'Records that the job reads a second at most.',
    form: { kind: 'count', min: 1, max: 1_000_000_000, orNone: true },
    live: true,
    field: 'spec.throttle.recordsPerSecond',
  },
  'worker.checkpointEvery': {
    summary: 'How often the leader takes a checkpoint.',
    form: { kind: 'duration', min: second, max: 3_600 * second },
    live: true,
  },
  'worker.checkpointsKept': {
    summary: 'How many of them are kept, the newest.',
    form: { kind: 'count', min: 2, max: 1_000 },
    live: true,
  },
  'worker.commitEvery': {
    summary: 'How often positions are committed: at most so much is read again after a crash.',
    form: { kind: 'duration', min: 100, max: 60 * second },
    live: false,
  },
  'worker.transactionEvery': {
    summary: 'Exactly-once: how long a transaction is written to before it is committed.',
    form: { kind: 'duration', min: 50, max: 10 * second },
    live: false,
  },
  'worker.drain': {
    summary: 'How long a worker that is told to end waits for the sink to acknowledge what it read.',
    form: { kind: 'duration', min: second, max: 100 * second },
    live: true,
  },
} as const satisfies Readonly<Record<string, Omit<Parameter, 'key'>>>;

export type ParameterKey = keyof typeof stated;

export const parameters: readonly Parameter[] = Object.entries(stated).map(([key, rest]) => ({
  ...{ key: key as ParameterKey, ...rest },
}));

export const findParameter = (key: string): Parameter | null =>
  Object.hasOwn(stated, key) ? { key: key as ParameterKey, ...stated[key as ParameterKey] } : null;

export const parameterKeys: readonly string[] = Object.keys(stated);

/** As people write it: `4MiB`, `10s`, 500, `zstd`, `none`. */
export function parseValue({ form }: Pick<Parameter, 'form'>, given: unknown): Result<ConfigValue, string> {
  const got = `got ${JSON.stringify(given)}`;
  if (form.kind === 'word') {
    const word = form.words.find((one) => one === given);
    return word === undefined ? refuse(`${got}, expected ${form.words.join(' or ')}`) : ok(word);
  }
  if (form.orNone && given === 'none') return ok(null);
  const number = readNumber(form.kind, given);
  if (number === null || !Number.isInteger(number) || number < form.min || number > form.max)
    return refuse(`${got}, expected ${describeForm(form)}`);
  return ok(number);
}

function readNumber(kind: 'bytes' | 'duration' | 'count', given: unknown): number | null {
  if (kind === 'count') {
    const text = typeof given === 'number' ? String(given) : given;
    return typeof text === 'string' && /^\d{1,15}$/.test(text) ? Number(text) : null;
  }
  if (typeof given !== 'string') return null;
  const parsed = kind === 'bytes' ? parseBytes(given) : parseDuration(given);
  return parsed.ok ? parsed.value : null;
}

export function describeForm(form: Form): string {
  if (form.kind === 'word') return form.words.join(', ');
  const [min, max] = [form.min, form.max].map((bound) => formatNumber(form.kind, bound));
  return `${min} to ${max}${form.orNone ? ', or none' : ''}`;
}

const formatNumber = (kind: 'bytes' | 'duration' | 'count', value: number): string =>
  kind === 'count' ? String(value) : kind === 'bytes' ? formatBytes(value) : formatDuration(value);

export function formatValue({ form }: Pick<Parameter, 'form'>, value: ConfigValue): string {
  if (value === null) return 'none';
  return typeof value === 'string' || form.kind === 'word' ? String(value) : formatNumber(form.kind, value);
}
