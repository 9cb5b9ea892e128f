// A schema registry on this machine, for who asks for one: Apicurio Registry over a file of its own, behind Confluent's API.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { archiveArgs, classArchive, keepArchive, stopWithinMsOf } from '../class-archive.ts';
import { javaArgs, javaCommand, plainEnv } from '../java.ts';
import type { Part } from '../part.ts';
import { loopback } from '../ports.ts';
import { probeHttp } from './program.ts';

export interface RegistryPartOptions {
  readonly data: string;
  readonly port: number;
}

export const registryUrl = (port: number): string => `http://${loopback}:${port}/apis/ccompat/v7`;

export function registryPart({ data, port }: RegistryPartOptions): Part {
  const endpoint = registryUrl(port);
  const archive = classArchive('registry', data);
  return {
    name: 'registry',
    command: javaCommand(),
    args: javaArgs({
      jars: 'registry',
      heapMiB: 192,
      vm: archiveArgs(archive),
      properties: {
        'quarkus.http.host': loopback,
        'quarkus.http.port': String(port),
        'quarkus.datasource.jdbc.url': `jdbc:h2:file:${join(data, 'registry')}`,
        'quarkus.datasource.jdbc.initial-size': '1',
        'quarkus.datasource.jdbc.min-size': '1',
        'quarkus.datasource.jdbc.max-size': '8',
      },
      jar: 'apicurio-registry-app-2.6.13.Final-runner.jar',
    }),
    env: plainEnv(),
    endpoint,
    prepare: async () => {
      mkdirSync(data, { recursive: true, mode: 0o700 });
    },
    probe: () => probeRegistry(endpoint),
    readyWithinMs: 180_000,
    stopSignal: 'SIGTERM',
    stopWithinMs: stopWithinMsOf(archive, 10_000),
    afterEnd: () => keepArchive(archive),
  };
}

/** `url` is that of its API. */
export const probeRegistry = (url: string): Promise<void> => probeHttp(`${url}/subjects`);
