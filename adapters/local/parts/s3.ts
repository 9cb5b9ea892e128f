// The local platform's S3: s3proxy over plain files.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { archiveArgs, classArchive, keepArchive, stopWithinMsOf } from '../class-archive.ts';
import { jarsHere } from '../jars.ts';
import { javaArgs, javaCommand, plainEnv } from '../java.ts';
import type { Part } from '../part.ts';
import { loopback } from '../ports.ts';
import { askOnce } from './ask-once.ts';

export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface S3PartOptions {
  readonly data: string;
  readonly port: number;
  readonly accessKey: AccessKey;
}

export function s3Part(options: S3PartOptions): Part {
  const endpoint = `http://${loopback}:${options.port}`;
  const configuration = join(options.data, 's3proxy.conf');
  const archive = classArchive('s3', options.data);
  return {
    name: 's3',
    command: javaCommand(),
    args: javaArgs({
      jars: 's3',
      heapMiB: 128,
      vm: archiveArgs(archive),
      properties: { 'logback.configurationFile': join(jarsHere, 'logback.xml') },
      main: 'org.gaul.s3proxy.Main',
      args: ['--properties', configuration],
    }),
    env: plainEnv(),
    endpoint,
    prepare: async () => {
      mkdirSync(join(options.data, 'objects'), { recursive: true, mode: 0o700 });
      writeFileSync(configuration, properties(options, endpoint), { mode: 0o600 });
    },
    probe: () => probeS3(endpoint, options.accessKey),
    readyWithinMs: 30_000,
    stopSignal: 'SIGTERM',
    stopWithinMs: stopWithinMsOf(archive, 5_000),
    afterEnd: () => keepArchive(archive),
  };
}

function properties({ data, accessKey }: S3PartOptions, endpoint: string): string {
  return `${Object.entries({
    's3proxy.endpoint': endpoint,
    's3proxy.authorization': 'aws-v2-or-v4',
    's3proxy.identity': accessKey.accessKeyId,
    's3proxy.credential': accessKey.secretAccessKey,
    'jclouds.provider': 'filesystem-nio2',
    'jclouds.filesystem.basedir': join(data, 'objects'),
  })
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')}\n`;
}

export async function probeS3(endpoint: string, accessKey: AccessKey, withinMs?: number): Promise<void> {
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    credentials: accessKey,
    forcePathStyle: true,
    maxAttempts: 1,
  });
  await askOnce(client, (abortSignal) => client.send(new ListBucketsCommand({}), { abortSignal }), withinMs);
}
