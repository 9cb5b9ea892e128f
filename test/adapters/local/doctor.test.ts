// The doctor on parts that are ill: what hangs is told as well as what is gone, and nobody waits without end.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { choosePorts } from '#adapters/local/choose-ports.ts';
import { credentialsIn } from '#adapters/local/credentials.ts';
import { examine } from '#adapters/local/doctor.ts';
import { probeDynamodb } from '#adapters/local/parts/dynamodb.ts';
import { probeS3 } from '#adapters/local/parts/s3.ts';
import { type PartStatus, writePlatformFile } from '#adapters/local/platform-file.ts';
import { identify } from '#adapters/local/process-identity.ts';

test('a store that accepts and says nothing is given up', async () => {
  const silent = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  await expect(probeDynamodb(url, 200)).rejects.toThrow('no answer within 200 ms');
  await expect(probeS3(url, { accessKeyId: 'a', secretAccessKey: 'b' }, 200)).rejects.toThrow(
    'no answer within 200 ms',
  );
  silent.close();
});

test('a registry that does not answer has failed, and a part that cannot be asked is not called healthy', async () => {
  const data = mkdtempSync(join(tmpdir(), 'millrace-doctor-'));
  try {
    credentialsIn(data);
    const ports = await choosePorts({}, {}, () => {});
    const registry = `http://127.0.0.1:${ports.registry}/apis/ccompat/v7`;
    const part = (name: string): PartStatus => ({
      ...{ name, state: 'ready', pid: null, startedAt: 1, restarts: 0, endpoint: registry, log: 'its log' },
    });
    writePlatformFile(data, {
      ...{ state: 'ready', apiUrl: 'http://127.0.0.1:1', ports, startedAt: 1, host: identify(process.pid), pids: {} },
      endpoints: { kafka: '', postgres: '', dynamodb: '', s3: '', registry },
      parts: [part('registry'), part('of-later')],
    });
    const findings = await examine(data);
    const verdictOf = (name: string): unknown => findings.find(({ check }) => check === name)?.verdict;
    expect([verdictOf('registry'), verdictOf('of-later')]).toEqual(['failed', 'warning']);
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
});
