// What a log line holds.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { createLogger, type LoggerOptions } from '#adapters/logging/pino-logger.ts';
import { unavailable } from '#core/errors.ts';
import type { Logger } from '#core/ports/logger.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-logger-'));
afterAll(() => rmSync(folder, { recursive: true }));

let fileCount = 0;
function linesOf(options: LoggerOptions, write: (logger: Logger) => void): Record<string, unknown>[] {
  const to = join(folder, `${++fileCount}.log`);
  write(createLogger({ ...options, to }));
  const lines = readFileSync(to, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('a log line', () => {
  test('has level, time, message, and the fields of its logger and its own', () => {
    const [line] = linesOf({ fields: { program: 'worker' } }, (logger) => {
      logger.with({ job: 'plays.out' }).info('took a split', { split: 'plays/0' });
    });
    expect(line).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      program: 'worker',
      job: 'plays.out',
      split: 'plays/0',
      message: 'took a split',
    });
  });

  test('is written from its level on', () => {
    const levels = linesOf({ level: 'warn' }, (logger) => {
      for (const level of ['debug', 'info', 'warn', 'error'] as const) logger[level]('said');
    }).map(({ level }) => level);
    expect(levels).toEqual(['warn', 'error']);
  });

  test('tells an error by its message, code, fault and causes', () => {
    const [line] = linesOf({}, (logger) => {
      logger.error('a pass failed', {
        error: unavailable('s3', new Error('refused', { cause: new Error('no route') })),
      });
    });
    expect(line?.['error']).toMatchObject({
      code: 's3-unavailable',
      fault: 'external',
      retry: 'retry',
      message: 's3 cannot be reached: refused',
      causes: ['refused', 'no route'],
      stack: expect.stringContaining('PlatformError'),
    });
  });

  test('shows no secret', () => {
    const [line] = linesOf({}, (logger) => logger.info('connects', { password: 'p', sasl: { token: 't' }, user: 'u' }));
    expect(line).toMatchObject({ password: '[secret]', sasl: { token: '[secret]' }, user: 'u' });
  });
});
