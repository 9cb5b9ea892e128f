// The peer in Kafka Streams: compiled once by Maven from the pinned pom beside it, run as a process of its own.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { hash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDir } from '#adapters/local/jars.ts';

const project = join(import.meta.dirname, 'streams');

/** Where the compiled program and its jars are kept; another program is another place. */
function build(): string {
  const sources = ['pom.xml', 'src/main/java/millrace/bench/Route.java'].map((name) =>
    readFileSync(join(project, name)),
  );
  const digest = hash('sha256', Buffer.concat(sources)).slice(0, 12);
  const target = join(cacheDir(), `bench-streams-${digest}`);
  if (!existsSync(join(target, 'done'))) {
    process.stderr.write('compiling the Kafka Streams peer with Maven (once)\n');
    const goals = ['compile', 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'];
    execFileSync(
      'mvn',
      [
        '-B',
        '-q',
        '-f',
        join(project, 'pom.xml'),
        `-DbuildDirectory=${target}`,
        ...goals,
        `-DoutputDirectory=${target}/jars`,
      ],
      {
        stdio: ['ignore', 2, 2],
      },
    );
    execFileSync('touch', [join(target, 'done')]);
  }
  return target;
}

export async function prepareKafkaStreams(
  broker: string,
  source: string,
  sink: string,
  compression: string,
  pin: readonly string[],
): Promise<() => ChildProcess> {
  const target = build();
  const classPath = `${join(target, 'classes')}:${join(target, 'jars')}/*`;
  const command = [
    ...pin,
    'java',
    '-Xmx256m',
    '-cp',
    classPath,
    'millrace.bench.Route',
    broker,
    source,
    sink,
    compression,
  ];
  return () => spawn(command[0]!, command.slice(1), { stdio: ['ignore', 2, 2] });
}
