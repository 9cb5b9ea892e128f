// Many sequences of declarations, each against a world that is freshly made; a difference is shrunk and told.
import fc from 'fast-check';
import { localSettings } from '#core/graph/platform-settings.ts';
import { type Step, sequences } from './declarations.ts';
import { type Difference, differences, retell, tellDifference } from './differential.ts';

/** Every other one as where the broker sets how many replicas have to be in sync. */
const settingsOf = (byBroker: boolean) => (byBroker ? { ...localSettings, minInsyncReplicas: null } : localSettings);

export interface DifferentialRun {
  readonly runs: number;
  /** The smallest sequence found whose worlds differ, and where they do; null where none do. */
  readonly failing: string | null;
}

export async function compareSequences(numRuns: number, seed: number): Promise<DifferentialRun> {
  const property = fc.asyncProperty(sequences, fc.boolean(), async (steps, byBroker) => {
    const found = await differences(steps, settingsOf(byBroker));
    if (found.length > 0) throw new Error(tell(steps, found));
  });
  const { failed, numRuns: runs, errorInstance } = await fc.check(property, { numRuns, seed });
  if (!failed) return { runs, failing: null };
  return { runs, failing: errorInstance instanceof Error ? errorInstance.message : String(errorInstance) };
}

const tell = (steps: readonly Step[], found: readonly Difference[]): string =>
  `${retell(steps)}\n\n${found.map(tellDifference).join('\n')}`;

/** The exit code. */
export async function runDifferential(numRuns: number, seed: number): Promise<number> {
  const startedMs = performance.now();
  const { runs, failing } = await compareSequences(numRuns, seed);
  if (failing !== null) console.error(failing);
  const seconds = Number(((performance.now() - startedMs) / 1_000).toFixed(1));
  console.log(JSON.stringify({ differential: true, runs, seed, ok: failing === null, seconds }));
  return failing === null ? 0 : 1;
}
