// A job's control record before anything was decided.
import type { ControlRecord } from '#core/ports/control-store.ts';

export const freshControl = (job: string, uid: string): ControlRecord => ({
  job,
  uid,
  version: 0,
  incarnationLast: 0,
  revisionActed: 0,
  slots: {},
  announced: {},
  tasks: [],
  restartSequence: 0,
});
