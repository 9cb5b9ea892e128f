// What a new Kafka finds in its folder is copied from what Kafka's tool wrote once, and each folder is somebody of its own.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { jarsDir } from '#adapters/local/jars.ts';
import { formatKafka } from '#adapters/local/parts/kafka-format.ts';

describe('the folder of a new Kafka, where the tool has run before', () => {
  const cache = process.env['MILLRACE_CACHE'];
  const checkpoint = '__cluster_metadata-0/00000000000000000000-0000000000.checkpoint';
  let home: string;

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'millrace-format-'));
    process.env['MILLRACE_CACHE'] = home;
    const kept = join(home, 'formatted', basename(jarsDir('kafka')));
    mkdirSync(join(kept, '__cluster_metadata-0'), { recursive: true });
    writeFileSync(join(kept, checkpoint), 'levels of features');
  });

  afterEach(() => {
    if (cache === undefined) delete process.env['MILLRACE_CACHE'];
    else process.env['MILLRACE_CACHE'] = cache;
    rmSync(home, { recursive: true, force: true });
  });

  /** No jars are in the cache of this test: the tool would fail. */
  const format = async (name: string): Promise<string> => {
    const log = join(home, name);
    const java = { jars: 'kafka', properties: {}, vm: [] } as const;
    await formatKafka({ log, configuration: join(home, 'server.properties'), java });
    return log;
  };
  const identity = (log: string): string => readFileSync(join(log, 'meta.properties'), 'utf8');

  test('gets what the tool wrote, and an identity that no other has', async () => {
    const logs = [await format('one'), await format('two')];
    for (const log of logs) {
      expect(readFileSync(join(log, checkpoint), 'utf8')).toBe('levels of features');
      expect(identity(log)).toMatch(/^version=1\ncluster\.id=\w[\w-]{21}\nnode\.id=1\ndirectory\.id=\w[\w-]{21}\n$/);
    }
    expect(new Set(logs.map(identity)).size).toBe(2);
  });

  test('stays who it is at a second start, and is finished where the first was interrupted', async () => {
    const before = identity(await format('one'));
    expect(identity(await format('one'))).toBe(before);
    const log = join(home, 'two');
    mkdirSync(log);
    writeFileSync(join(log, 'meta.properties.unfinished'), 'version=');
    expect(identity(await format('two'))).toContain('version=1\n');
    expect(existsSync(join(log, 'meta.properties.unfinished'))).toBe(false);
  });
});
