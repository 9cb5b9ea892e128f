// What a drill is: one disaster, or one piece of work on a running platform, tried on a whole local platform of its own.
import type { TestPlatform } from '#test/support/test-platform.ts';

export interface DrillFlags {
  /** How long what is taken away stays away. */
  readonly minutes: number;
  /** Events a second. */
  readonly rate: number;
  /** How many jobs the platform has, where the drill is about their number. */
  readonly jobs: number;
  /** The commit that an upgrade starts from. */
  readonly from: string;
}

export interface DrillScene {
  /** Not started yet; stopped afterwards by whoever runs the drill. */
  readonly platform: TestPlatform;
  readonly flags: DrillFlags;
  /** Every wait ends when it is given. */
  readonly signal: AbortSignal;
  readonly tell: (line: string) => void;
}

/** What was measured, and whether all that must hold held. */
export type DrillResult = { readonly ok: boolean } & Readonly<Record<string, unknown>>;

export interface Drill {
  /** Besides `minutes`. Whoever takes longer is stuck, and that is a failure. */
  readonly besidesMs: number;
  run(scene: DrillScene): Promise<DrillResult>;
}
