// The peer in plain KafkaJS: starts kafkajs-route.ts as a process of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

export async function prepareKafkajs(
  broker: string,
  source: string,
  sink: string,
  compression: string,
  pin: readonly string[],
): Promise<() => ChildProcess> {
  const program = join(import.meta.dirname, 'kafkajs-route.ts');
  const command = [...pin, process.execPath, program, broker, source, sink, compression];
  return () => spawn(command[0]!, command.slice(1), { stdio: ['ignore', 2, 2] });
}
