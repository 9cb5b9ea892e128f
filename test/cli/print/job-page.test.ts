// The page of one job, as `millrace describe job` prints it.
import { expect, test } from '@jest/globals';
import { formatJobPage } from '#cli/print/job-page.ts';
import type { Paint } from '#cli/terminal.ts';
import type { JobView } from '#core/api/wire.ts';
import { assessJob } from '#core/status/assess-job.ts';
import { aJobEntry, theTime } from '#test/support/builders.ts';

const plain: Paint = (_, text) => text;
const entry = aJobEntry();
const status = assessJob({ entry, control: null, heartbeats: [], splits: null, now: theTime });

function pageWith(mismatches: number): string {
  const { name, route, revision, owner, deadLetterTopic } = entry.goal;
  const shown = { name, route, revision, owner, deadLetterTopic, from: 'playback-events', to: 'plays' };
  return formatJobPage({ ...shown, status: { ...status, mismatches } } as JobView, plain, theTime);
}

test('values of another type than the route uses them as are mentioned only where there are any', () => {
  expect(pageWith(1_200)).toMatch(/Mismatches: +1,200 values were not of the type that the route uses them as/);
  expect(pageWith(0)).not.toContain('Mismatches');
});
