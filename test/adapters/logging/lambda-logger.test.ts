// What a line of a Lambda function's log holds: read from a program that writes them as the function does, to its two outputs, which Lambda makes one log of.
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '../../..');
const writes = `
  const { createLambdaLogger } = await import('#adapters/logging/lambda-logger.ts');
  const { unavailable } = await import('#core/errors.ts');
  const logger = createLambdaLogger({ service: 'api' });
  const ofJob = logger.with({ job: 'plays.out' });
  logger.info('while it is composed');
  logger.enter({ awsRequestId: 'request-1', functionName: 'millrace-api', memoryLimitInMB: '1024', invokedFunctionArn: 'arn' });
  ofJob.warn('put off', { code: 'busy' });
  logger.debug('not from this level on');
  logger.error('failed', { error: unavailable('s3', new Error('refused', { cause: new Error('no route') })) });
  logger.info('connects', { password: 'p', sasl: { token: 't' }, user: 'u' });
`;
let lines: readonly Record<string, unknown>[] = [];

beforeAll(() => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-logger-'));
  const log = openSync(join(folder, 'log'), 'a');
  spawnSync(process.execPath, ['--no-warnings', '--input-type=module', '-e', writes], {
    ...{ cwd: root, stdio: ['ignore', log, log] },
    env: { PATH: process.env['PATH'], _X_AMZN_TRACE_ID: 'Root=1-5759e988-bd862e3fe1be46a994272793' },
  });
  closeSync(log);
  lines = readFileSync(join(folder, 'log'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  rmSync(folder, { recursive: true });
});

test('a line names level, time, program and trace', () => {
  expect(lines[0]).toMatchObject({
    ...{ level: 'INFO', message: 'while it is composed', service: 'api' },
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    xray_trace_id: '1-5759e988-bd862e3fe1be46a994272793',
  });
});

test('what is logged within a request names it, by a logger of before too, with the fields of both', () => {
  expect(lines[0]).not.toHaveProperty('function_request_id');
  expect(lines[1]).toMatchObject({
    ...{ level: 'WARN', message: 'put off', job: 'plays.out', code: 'busy' },
    ...{ function_request_id: 'request-1', function_name: 'millrace-api' },
  });
});

test('lines below the level are not written', () => {
  expect(lines.map(({ message }) => message)).not.toContain('not from this level on');
});

test('an error is told by its message, code, fault and causes', () => {
  expect(lines[2]).toMatchObject({
    error: {
      ...{ code: 's3-unavailable', fault: 'external', retry: 'retry', message: 's3 cannot be reached: refused' },
      causes: ['refused', 'no route'],
    },
  });
});

test('a line shows no secret', () => {
  expect(lines[3]).toMatchObject({ password: '[secret]', sasl: { token: '[secret]' }, user: 'u' });
});
