// A one-node OpenSearch for tests: what stands at the other end of a sink.
import { randomInt } from 'node:crypto';
import { javaArgs, javaCommand, plainEnv } from '#adapters/local/java.ts';
import type { Part } from '#adapters/local/part.ts';
import { claimPort } from '#adapters/local/ports.ts';

/** The runner looks for its port from the one that it is given up to this, and takes no other. */
const portMax = 9_299;
const portMin = 9_210;

export async function anOpenSearchPort(): Promise<number> {
  const count = portMax - portMin;
  const first = randomInt(count);
  for (let step = 0; step < count; step++) {
    const port = portMin + ((first + step) % count);
    if (await claimPort(port)) return port;
  }
  throw new Error(`no free port from ${portMin} to ${portMax - 1}`);
}

export interface OpenSearchPartOptions {
  readonly data: string;
  readonly port: number;
}

export function openSearchPart({ data, port }: OpenSearchPartOptions): Part {
  const endpoint = `http://127.0.0.1:${port}`;
  // Another run's node on the same port must not pass for this one.
  const cluster = `test-${port}-${process.pid}`;
  return {
    name: 'opensearch',
    command: javaCommand(),
    args: javaArgs({
      jars: 'opensearch',
      heapMiB: 320,
      main: 'org.codelibs.opensearch.runner.OpenSearchRunner',
      args: [
        ...['-numOfNode', '1', '-basePath', data, '-clusterName', cluster],
        // The first node's port is one above it.
        ...['-baseHttpPort', String(port - 1), '-useLogger'],
      ],
    }),
    env: plainEnv(),
    endpoint,
    probe: async () => {
      const health = await fetch(`${endpoint}/_cluster/health`, { signal: AbortSignal.timeout(5_000) });
      const { cluster_name: name, status } = (await health.json()) as { cluster_name: string; status: string };
      if (name !== cluster || status === 'red') throw new Error(`got cluster ${name}, ${status}`);
    },
    readyWithinMs: 180_000,
    stopSignal: 'SIGKILL',
    stopWithinMs: 5_000,
  };
}

/** All documents of an index pattern, by id. */
export async function documentsIn(url: string, index: string): Promise<ReadonlyMap<string, FoundDocument>> {
  await fetch(`${url}/${index}/_refresh`, { method: 'POST' });
  const answer = await fetch(`${url}/${index}/_search?size=10000`);
  if (answer.status === 404) return new Map();
  const found = (await answer.json()) as { hits: { hits: { _id: string; _index: string; _source: object }[] } };
  return new Map(found.hits.hits.map((hit) => [hit._id, { index: hit._index, source: hit._source }]));
}

export interface FoundDocument {
  readonly index: string;
  readonly source: object;
}
