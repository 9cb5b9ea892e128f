// Every mutant, and how one is applied to a text.
import { changeMutants } from './change.ts';
import { controlLoopMutants } from './control-loop.ts';
import { endedJobMutants } from './ended-job.ts';
import { expressionMutants } from './expression.ts';
import { healthMutants } from './health.ts';
import type { Mutant } from './mutant.ts';
import { workerMutants } from './worker.ts';

export const allMutants: readonly Mutant[] = [
  ...controlLoopMutants,
  ...endedJobMutants,
  ...changeMutants,
  ...healthMutants,
  ...workerMutants,
  ...expressionMutants,
];

/** Throws where the text to be changed is not there exactly once: the list is then to be brought up to date. */
export function mutate(text: string, { name, file, before, after }: Mutant): string {
  const count = text.split(before).length - 1;
  if (count !== 1) throw new Error(`mutant ${name}: ${file} has its text ${count} times, expected once: ${before}`);
  return text.replace(before, () => after);
}
