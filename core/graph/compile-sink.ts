// A declared sink becomes the sink of a job's goal.
import type { SinkGoal } from '#core/job/sink-goal.ts';
import { topicOfStream } from '#core/names.ts';
import { keyColumn, type SinkSpec } from '#core/spec/sinks/sink-spec.ts';

export const compileSink = (sink: SinkSpec): SinkGoal => ({
  kind: 'stream',
  stream: sink.stream,
  topic: topicOfStream(sink.stream),
  keyed: keyColumn(sink) !== null,
});
