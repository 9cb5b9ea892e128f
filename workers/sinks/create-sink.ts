// The explicit list: a kind of sink → what fills it.
import type { SinkGoal } from '#core/job/sink-goal.ts';
import type { Producer } from '../kafka/producer.ts';
import type { WorkerParts } from '../parts.ts';
import { KafkaSink } from './kafka-sink.ts';
import type { Sink, SinkHooks } from './sink.ts';

export interface SinkParts {
  readonly worker: WorkerParts;
  /** The worker's own, of dead letters too. */
  readonly producer: Producer;
  readonly hooks: SinkHooks;
}

type SinkMakers = { readonly [Kind in SinkGoal['kind']]: (goal: SinkGoal & { kind: Kind }, parts: SinkParts) => Sink };

const makers: SinkMakers = {
  stream: (goal, { worker, producer }) => new KafkaSink(goal, worker.cluster, producer),
};

export const createSink = (goal: SinkGoal, parts: SinkParts): Sink => makers[goal.kind](goal, parts);
