// Every alarm has a runbook under its own name, and no runbook is of an alarm that is gone.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { jobAlarmPrefix } from '#core/names.ts';
import { sharedPlatform } from '#test/support/synth-platform.ts';

/** Of the alarms that the reconciler makes for single jobs. */
const ofJobs = 'JobAlert';

export function runbooksSuite(): void {
  test('each alarm of the platform has its runbook', () => {
    const alarms = Object.values(
      sharedPlatform('prod').template('observability').findResources('AWS::CloudWatch::Alarm'),
    ).map(({ Properties }) =>
      String(Properties.AlarmName)
        .replace(/^millrace-/, '')
        .replace(/-\d+$/, ''),
    );
    const page = readFileSync(join(import.meta.dirname, '../../docs/operate/runbooks.md'), 'utf8');
    const runbooks = [...page.matchAll(/^## (\S+)$/gm)].map(([, name]) => name).sort();
    expect(runbooks).toEqual([...new Set([...alarms, ofJobs])].sort());
  });

  test('no alarm of the platform bears a name that the reconciler may change', () => {
    const alarms = Object.values(
      sharedPlatform('prod').template('observability').findResources('AWS::CloudWatch::Alarm'),
    );
    for (const { Properties } of alarms) expect(String(Properties.AlarmName).startsWith(jobAlarmPrefix)).toBe(false);
  });
}
