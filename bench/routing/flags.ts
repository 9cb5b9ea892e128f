// The benchmark's command line.
import { join } from 'node:path';
import { toolArguments } from '#test/support/tool-arguments.ts';
import type { OutputCompression } from '#workers/kafka/output-batch.ts';

export const contenders = ['ours', 'limit', 'kafkaStreams', 'kafkajs'] as const;
export type Contender = (typeof contenders)[number];

export interface Flags {
  readonly events: number;
  readonly runs: number;
  readonly only: readonly Contender[];
  readonly seed: number;
  /** Of the input and of every contender's output. */
  readonly compression: OutputCompression;
  /** `schema`: every declared field of every event is checked; `json`: that it is a well-formed object. Ours only. */
  readonly validate: 'schema' | 'json';
  readonly nodeFlags: readonly string[];
}

export function readFlags(): Flags {
  const { values } = toolArguments(join(import.meta.dirname, 'run.ts'), {
    options: {
      events: { type: 'string', default: '2000000' },
      runs: { type: 'string', default: '3' },
      only: { type: 'string', default: contenders.join() },
      seed: { type: 'string', default: '1' },
      compression: { type: 'string', default: 'none' },
      validate: { type: 'string', default: 'schema' },
      'node-flags': { type: 'string', default: '' },
    },
  });
  return {
    events: whole('events', values.events),
    runs: whole('runs', values.runs),
    only: values.only.split(',').map((name) => oneOf('only', contenders, name)),
    seed: whole('seed', values.seed),
    compression: oneOf('compression', ['none', 'lz4', 'zstd'], values.compression),
    validate: oneOf('validate', ['schema', 'json'], values.validate),
    nodeFlags: values['node-flags'].split(' ').filter((flag) => flag !== ''),
  };
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new Error(`--${name} is "${text}"; expected a whole number above zero`);
}

function oneOf<Name extends string>(flag: string, names: readonly Name[], text: string): Name {
  const found = names.find((name) => name === text);
  if (found !== undefined) return found;
  throw new Error(`--${flag} has "${text}"; expected one of ${names.join(', ')}`);
}
