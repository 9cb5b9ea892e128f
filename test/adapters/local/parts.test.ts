// The parts of the local platform, as every integration test finds them.
import { expect, test } from '@jest/globals';
import { probeDynamodb } from '#adapters/local/parts/dynamodb.ts';
import { probeKafka } from '#adapters/local/parts/kafka.ts';
import { probePostgres } from '#adapters/local/parts/postgres.ts';
import { probeS3 } from '#adapters/local/parts/s3.ts';
import { testAccessKey } from '#test/support/own-parts.ts';

const address = (name: string): string => process.env[`MILLRACE_TEST_${name}`] ?? '';

test('each part answers a real request', async () => {
  await probeKafka(address('KAFKA'));
  await probePostgres(address('POSTGRES_URL'));
  await probeDynamodb(address('DYNAMODB'));
  await probeS3(address('S3'), testAccessKey);
  await expect(probeS3(address('S3'), { ...testAccessKey, secretAccessKey: 'wrong' })).rejects.toThrow();
});
