// Gives Kafka's empty folder what a first start finds in it, by Kafka's own tool once for each version, then by a copy with ids of its own.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDir, jarsDir } from '../jars.ts';
import { javaArgs, javaCommand, plainEnv } from '../java.ts';

export interface KafkaFormat {
  /** Kafka's `log.dirs`. One that has been formatted is left as it is. */
  readonly log: string;
  /** The path of its `server.properties`. */
  readonly configuration: string;
  /** How the broker itself is run: its classes are most of the tool's. */
  readonly java: {
    readonly jars: 'kafka';
    readonly properties: Readonly<Record<string, string>>;
    readonly vm: readonly string[];
  };
}

const run = promisify(execFile);
/** Kafka takes a folder for formatted that has it. */
const identity = 'meta.properties';

/**
 * The tool writes the levels of Kafka's features, which are those of its version, and who the folder is. To run it takes 1.5 s of processor
 * time, half as much as Kafka's own start, so what it wrote first is kept beside the jars.
 */
export async function formatKafka(format: KafkaFormat): Promise<void> {
  const { log } = format;
  if (existsSync(join(log, identity))) return;
  const kept = join(cacheDir(), 'formatted', basename(jarsDir('kafka')));
  if (existsSync(kept)) return copyFormat(kept, log);
  await runTool(format);
  keepFormat(log, kept);
}

async function runTool({ configuration, java }: KafkaFormat): Promise<void> {
  // Joined, because one id in 64 begins with a hyphen, which would read as an option.
  const args = ['format', `--cluster-id=${anId()}`, '-c', configuration];
  // It is no reason to lay classes out: most of the broker's would be missing.
  const vm = java.vm.filter((option) => !option.startsWith('-XX:ArchiveClassesAtExit'));
  await run(javaCommand(), javaArgs({ ...java, vm, heapMiB: 128, main: 'kafka.tools.StorageTool', args }), {
    env: plainEnv(),
  });
}

/** Its name appears when it is whole. Another process may have been quicker; its copy is as good. */
function keepFormat(log: string, kept: string): void {
  const unfinished = `${kept}.${process.pid}`;
  mkdirSync(dirname(kept), { recursive: true });
  cpSync(log, unfinished, { recursive: true });
  rmSync(join(unfinished, identity), { force: true });
  try {
    renameSync(unfinished, kept);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    if (!existsSync(kept)) throw error;
  }
}

/** The identity comes last: whoever is interrupted before begins anew. */
function copyFormat(kept: string, log: string): void {
  mkdirSync(log, { recursive: true });
  cpSync(kept, log, { recursive: true });
  const lines = ['version=1', `cluster.id=${anId()}`, 'node.id=1', `directory.id=${anId()}`];
  const unfinished = join(log, `${identity}.unfinished`);
  writeFileSync(unfinished, `${lines.join('\n')}\n`);
  renameSync(unfinished, join(log, identity));
}

/** As Kafka makes its own: 16 random bytes that do not begin with a hyphen. */
function anId(): string {
  const id = randomBytes(16).toString('base64url');
  return id.startsWith('-') ? anId() : id;
}
