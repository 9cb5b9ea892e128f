// What a worker is told of its sink: compiled from the declaration, with every name spelled out.

interface SinkGoalShape {
  /** Whether the program gives a key with each record. */
  readonly keyed: boolean;
}

export interface StreamSinkGoal extends SinkGoalShape {
  readonly kind: 'stream';
  readonly stream: string;
  readonly topic: string;
}

export type SinkGoal = StreamSinkGoal;

/** The sink as people call it, for lists. */
export const sinkTitle = (sink: SinkGoal): string => sink.stream;

/** The managed stream that the sink is, or null. */
export const sinkStream = (sink: SinkGoal): string | null => (sink.kind === 'stream' ? sink.stream : null);
