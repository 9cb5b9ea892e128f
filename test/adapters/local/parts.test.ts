// The parts of the local platform, as every integration test finds them.
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { CreateTableCommand, DynamoDBClient, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { type Admin, Kafka, logLevel } from '#adapters/kafka/kafkajs.ts';
import { probeDynamodb } from '#adapters/local/parts/dynamodb.ts';
import { probeKafka } from '#adapters/local/parts/kafka.ts';
import { probePostgres } from '#adapters/local/parts/postgres.ts';
import { probeS3 } from '#adapters/local/parts/s3.ts';
import { type OwnPart, ownDynamodb, ownKafka, ownPostgres, testAccessKey } from '#test/support/own-parts.ts';

const address = (name: string): string => process.env[`MILLRACE_TEST_${name}`] ?? '';

test('each part answers a real request', async () => {
  await probeKafka(address('KAFKA'));
  await probePostgres(address('POSTGRES_URL'));
  await probeDynamodb(address('DYNAMODB'));
  await probeS3(address('S3'), testAccessKey);
  await expect(probeS3(address('S3'), { ...testAccessKey, secretAccessKey: 'wrong' })).rejects.toThrow();
});

describe('a part of a test of its own', () => {
  describe('Kafka', () => {
    let kafka: OwnPart;
    let admin: Admin;
    beforeAll(async () => {
      kafka = await ownKafka();
      admin = new Kafka({ brokers: [kafka.address], logLevel: logLevel.NOTHING }).admin();
      await admin.connect();
      await admin.createTopics({ topics: [{ topic: 'kept', numPartitions: 3 }] });
      await admin.disconnect();
    });
    afterAll(async () => {
      await admin.disconnect();
      await kafka[Symbol.asyncDispose]();
    });

    test('killed with -9 keeps its topics and is ready again', async () => {
      await kafka.kill();
      await expect(probeKafka(kafka.address)).rejects.toThrow();
      await kafka.start();
      await admin.connect();
      expect(await admin.listTopics()).toContain('kept');
    });

    test('started after a wipe is empty', async () => {
      await kafka.kill();
      kafka.wipe();
      await kafka.start();
      await admin.disconnect();
      await admin.connect();
      expect(await admin.listTopics()).not.toContain('kept');
    });
  });

  test('Postgres killed with -9 keeps what it acknowledged', async () => {
    await using postgres = await ownPostgres();
    const write = new pg.Client(postgres.address);
    write.on('error', () => {});
    await write.connect();
    await write.query('CREATE TABLE kept (n int); INSERT INTO kept VALUES (1), (2)');
    await postgres.kill();
    await expect(probePostgres(postgres.address)).rejects.toThrow();
    await postgres.start();
    const read = new pg.Client(postgres.address);
    await read.connect();
    expect((await read.query('SELECT count(*)::int AS n FROM kept')).rows).toEqual([{ n: 2 }]);
    await read.end();
  });

  test('DynamoDB killed with -9 keeps what it acknowledged', async () => {
    await using dynamodb = await ownDynamodb();
    const client = new DynamoDBClient({ endpoint: dynamodb.address });
    await client.send(
      new CreateTableCommand({
        TableName: 'kept',
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    );
    for (let n = 0; n < 50; n++) {
      await client.send(new PutItemCommand({ TableName: 'kept', Item: { id: { S: `${n}` } } }));
    }
    await dynamodb.kill();
    await dynamodb.start();
    expect((await client.send(new ScanCommand({ TableName: 'kept' }))).Count).toBe(50);
    client.destroy();
  });
});

test('every part listens on the loopback interface only', () => {
  const elsewhere = Object.values(networkInterfaces())
    .flat()
    .find((one) => one !== undefined && !one.internal && one.family === 'IPv4')?.address;
  const ports = ['KAFKA', 'POSTGRES_URL', 'DYNAMODB', 'S3'].map((name) =>
    Number(/:(\d+)(\/|$)/.exec(address(name))?.[1]),
  );
  return Promise.all(ports.map((port) => expect(connects(elsewhere ?? '192.0.2.1', port)).resolves.toBe(false)));
});

function connects(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 500 }, () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('timeout', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
