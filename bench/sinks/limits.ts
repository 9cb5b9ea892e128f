// What stands beside each sink: the same bytes sent with no work before it, or another program that writes the same table.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';

export interface Spent {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

export async function spentOn(work: () => Promise<void>): Promise<Spent> {
  const [before, beforeMs] = [process.cpuUsage(), performance.now()];
  await work();
  const { user, system } = process.cpuUsage(before);
  return { seconds: (performance.now() - beforeMs) / 1_000, cpuSeconds: (user + system) / 1e6 };
}

/** Bodies that are ready, over kept connections, so many at a time. */
export async function post(
  url: string,
  headers: Readonly<Record<string, string>>,
  bodies: readonly Buffer[],
  atOnce: number,
): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  let next = 0;
  const one = (body: Buffer): Promise<void> =>
    new Promise((resolve, reject) => {
      const sent = request(url, { method: 'POST', agent, headers }, (answer) => {
        answer.resume();
        answer.on('end', resolve);
      });
      sent.on('error', reject);
      sent.end(body);
    });
  const lane = async (): Promise<void> => {
    for (let body = bodies[next++]; body !== undefined; body = bodies[next++]) await one(body);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  agent.destroy();
}

/** DuckDB with one thread: the same route in SQL, from lines of JSON to one Parquet file. */
export async function duckTable(
  events: readonly string[],
  times: number,
  select: string,
  where: string,
): Promise<Spent> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-sinks-'));
  const file = join(folder, 'events.ndjson');
  const chunk = `${events.join('\n')}\n`;
  for (let turn = 0; turn < times; turn++) writeFileSync(file, chunk, { flag: 'a' });
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
  const query = `SELECT ${select} FROM read_json('${file}', format = 'newline_delimited') WHERE ${where}`;
  const target = join(folder, 'out.parquet');
  try {
    return await spentOn(async () => {
      await connection.run(`COPY (${query}) TO '${target}' (FORMAT parquet, COMPRESSION zstd)`);
    });
  } finally {
    connection.closeSync();
    rmSync(folder, { recursive: true, force: true });
  }
}
