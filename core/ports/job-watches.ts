// The port to what watches single jobs for their owners: alarms and a dashboard, where a job declares `alerts`.
import type { AlertSpec } from '#core/spec/alerts.ts';

export interface JobWatch {
  /** `<route>.<sink>` of `tenant`. */
  readonly tenant: string;
  readonly job: string;
  readonly owner: string;
  readonly alerts: AlertSpec;
}

/** As it stands there; `hash` is `watchHash` of what was put. */
export interface ObservedWatch {
  readonly tenant: string;
  readonly job: string;
  /** Null: incomplete, such as an alarm whose companion is missing. */
  readonly hash: string | null;
}

/**
 * Guarantees: `put` replaces what there is of the job, whole or on the next `put`; putting the same twice changes nothing.
 * `remove` of what is not there is done. What somebody else has made is neither listed nor touched.
 */
export interface JobWatches {
  list(): Promise<readonly ObservedWatch[]>;
  put(watch: JobWatch): Promise<void>;
  remove(tenant: string, job: string): Promise<void>;
}
