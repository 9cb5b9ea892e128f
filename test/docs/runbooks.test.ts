// Every alarm has a runbook under its own name, and no runbook is of an alarm that is gone.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { synthPlatform } from '#test/support/synth-platform.ts';

test('each alarm of the platform has its runbook', () => {
  const alarms = Object.values(synthPlatform('prod').template('observability').findResources('AWS::CloudWatch::Alarm'))
    .map(({ Properties }) => String(Properties.AlarmName).replace('millrace-', ''))
    .sort();
  const page = readFileSync(join(import.meta.dirname, '../../docs/operate/runbooks.md'), 'utf8');
  const runbooks = [...page.matchAll(/^## (\S+)$/gm)].map(([, name]) => name).sort();
  expect(runbooks).toEqual(alarms);
});
