// The local platform's DynamoDB: Amazon's DynamoDB Local, kept on disk.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { archiveArgs, classArchive, keepArchive, stopWithinMsOf } from '../class-archive.ts';
import { jarsHere } from '../jars.ts';
import { javaArgs, javaCommand, plainEnv } from '../java.ts';
import type { Part } from '../part.ts';
import { loopback } from '../ports.ts';
import { askOnce } from './ask-once.ts';

export interface DynamodbPartOptions {
  readonly data: string;
  readonly port: number;
}

/**
 * On disk every write is synced before its answer (SQLite's rollback journal), so a kill -9 loses nothing. Its
 * write-ahead log would be a third quicker, but DynamoDB Local never lets it be emptied: 170 MB after 15,000 puts.
 */
export function dynamodbPart(options: DynamodbPartOptions): Part {
  const endpoint = `http://${loopback}:${options.port}`;
  const archive = classArchive('dynamodb', options.data);
  return {
    name: 'dynamodb',
    command: javaCommand(),
    args: javaArgs({
      jars: 'dynamodb',
      heapMiB: 128,
      vm: archiveArgs(archive),
      main: 'org.eclipse.jetty.xml.XmlConfiguration',
      args: [`millrace.port=${options.port}`, `millrace.data=${options.data}`, join(jarsHere, 'dynamodb.jetty.xml')],
    }),
    env: { ...plainEnv(), DDB_LOCAL_TELEMETRY: '0' },
    endpoint,
    prepare: async () => {
      mkdirSync(options.data, { recursive: true, mode: 0o700 });
    },
    probe: () => probeDynamodb(endpoint),
    readyWithinMs: 30_000,
    stopSignal: 'SIGTERM',
    stopWithinMs: stopWithinMsOf(archive, 5_000),
    afterEnd: () => keepArchive(archive),
  };
}

export async function probeDynamodb(endpoint: string, withinMs?: number): Promise<void> {
  const client = new DynamoDBClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'probe', secretAccessKey: 'probe' },
    maxAttempts: 1,
  });
  await askOnce(client, (abortSignal) => client.send(new ListTablesCommand({ Limit: 1 }), { abortSignal }), withinMs);
}
