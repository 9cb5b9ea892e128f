// Whether a job's sink takes a record that comes a second time as the one it has, or as another.
import type { JobGoal } from '#core/job/job-goal.ts';

export interface Duplicates {
  readonly absorbed: boolean;
  /** For people. */
  readonly why: string;
}

export function duplicatesAt(sink: JobGoal['sink']): Duplicates {
  switch (sink.kind) {
    case 'stream':
      return {
        absorbed: false,
        why: `stream ${sink.stream} takes each as a new event: its readers see them twice`,
      };
    case 'opensearch':
      return { absorbed: true, why: 'each document is written again under the id that it has' };
    case 'http':
      return {
        absorbed: false,
        why: 'the receiver gets them again, with the same keys where they come one a request or in envelopes',
      };
    case 'warehouse':
      return {
        absorbed: false,
        why: `table ${sink.table} takes each as a new row: a rewind says that they are wanted again`,
      };
  }
}
