// The credentials function as Lambda runs it, in a process of its own: what it refuses is counted where the alarm looks.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { environment } from '#core/names.ts';

const invokes = `
  const { handler } = await import('#functions/credentials/lambda-main.ts');
  const answer = await handler({ identity: 'of nobody' }, {});
  console.log(JSON.stringify({ answer }));
`;

test('a refusal is an answer, and goes out as a metric under the function’s own name', () => {
  const settings = [environment.identityKey, environment.bucket, environment.jobRole].map((name) => [name, 'any']);
  const { stdout } = spawnSync(process.execPath, ['--no-warnings', '--input-type=module', '-e', invokes], {
    ...{ cwd: join(import.meta.dirname, '../../..'), encoding: 'utf8' },
    env: { PATH: process.env['PATH'], [environment.region]: 'us-east-1', ...Object.fromEntries(settings) },
  });
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toContainEqual({ answer: { refused: expect.any(String) } });
  const metrics = { Namespace: 'Millrace', Dimensions: [['service']] };
  expect(lines.filter((line) => '_aws' in line)).toEqual([
    {
      ...{ service: 'credentials', CredentialsRefused: 1 },
      _aws: {
        Timestamp: expect.any(Number),
        CloudWatchMetrics: [{ ...metrics, Metrics: [{ Name: 'CredentialsRefused', Unit: 'Count' }] }],
      },
    },
  ]);
});
