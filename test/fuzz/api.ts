// Fuzzes the API by its own description: `npm run fuzz:api`. Needs Python 3.10 or newer; the tool is installed in .cache.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deadLetterTopic, environment } from '#core/names.ts';
import { startApi } from '#test/support/api-rig.ts';
import { ownDynamodb, ownKafka, ownPostgres, ownS3, testAccessKey } from '#test/support/own-parts.ts';

const schemathesis = 'schemathesis==4.32.5';
const repository = join(import.meta.dirname, '../..');
const venv = join(repository, '.cache/fuzz');
const secondsPerRun = Number(process.env['MILLRACE_FUZZ_SECONDS'] ?? 60);

function install(): string {
  const tool = join(venv, 'bin/schemathesis');
  if (existsSync(tool)) return tool;
  process.stderr.write(`installing ${schemathesis} in .cache/fuzz\n`);
  execFileSync('python3', ['-m', 'venv', venv], { stdio: 'inherit' });
  execFileSync(join(venv, 'bin/pip'), ['install', '--quiet', schemathesis], { stdio: 'inherit' });
  return tool;
}

const call = async (url: string, method: string, path: string, json: unknown): Promise<void> => {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${url}${path}`, { method, headers, body: JSON.stringify(json) });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
};

/** What the first run works on: without it, nearly every generated name would be the name of nothing. */
async function declareKnown(url: string): Promise<void> {
  const head = { apiVersion: 'millrace/v1', metadata: { name: 'events', owner: 'team' } };
  const schema = { fields: { id: 'text', n: 'bigint', tags: 'text[]' } };
  await call(url, 'PUT', '/v1/streams/events', { ...head, kind: 'Stream', spec: { schema, key: 'id' } });
  const spec = { from: 'events', where: 'n > 0', select: 'id, n + 1 AS m', to: [{ name: 'out', stream: 'plays' }] };
  await call(url, 'PUT', '/v1/routes/plays', {
    ...head,
    kind: 'Route',
    metadata: { name: 'plays', owner: 'team' },
    spec,
  });
}

function run(tool: string, url: string, config: string): Promise<{ code: number; cases: number; output: string }> {
  const report = mkdtempSync(join(tmpdir(), 'millrace-fuzz-'));
  const args = [
    ...['--config-file', join(import.meta.dirname, config), 'run', `${url}/v1/openapi.json`, '--checks', 'all'],
    ...['--max-time', String(secondsPerRun), '--request-timeout', '10', '--continue-on-failure', '--no-color'],
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(tool, args, { cwd: report, stdio: ['ignore', 'pipe', 'inherit'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      process.stderr.write(chunk);
    });
    child.on('error', reject);
    child.on('close', (code) => {
      rmSync(report, { recursive: true, force: true });
      const output = Buffer.concat(chunks).toString();
      const cases = Number(/Test cases:\s*\n?\s*([\d,]+) generated/.exec(output)?.[1]?.replaceAll(',', '') ?? 0);
      resolve({ code: code ?? -1, cases, output });
    });
  });
}

const tool = install();
await using kafka = await ownKafka();
await using postgres = await ownPostgres();
await using dynamodb = await ownDynamodb();
await using s3 = await ownS3();
const secrets = mkdtempSync(join(tmpdir(), 'millrace-fuzz-secrets-'));
const api = await startApi({
  [environment.postgresUrl]: postgres.address,
  [environment.kafkaBrokers]: kafka.address,
  [environment.dynamodbEndpoint]: dynamodb.address,
  [environment.s3Endpoint]: s3.address,
  [environment.secretsDir]: secrets,
  [environment.region]: 'us-east-1',
  [environment.accessKeyId]: testAccessKey.accessKeyId,
  [environment.secretAccessKey]: testAccessKey.secretAccessKey,
});
const { url, parts } = api;
try {
  await declareKnown(url);
  for (const topic of ['events', 'plays', deadLetterTopic('default', 'plays.out')])
    await parts.broker.create(topic, 2, {});
  const results = [await run(tool, url, 'known-names.toml'), await run(tool, url, 'any-name.toml')];
  const cases = results.reduce((sum, result) => sum + result.cases, 0);
  const ok = results.every((result) => result.code === 0);
  process.stdout.write(
    `${JSON.stringify({ ok, cases, secondsPerRun, codes: results.map((result) => result.code) })}\n`,
  );
  process.exitCode = ok ? 0 : 1;
} finally {
  await api.close();
  rmSync(secrets, { recursive: true, force: true });
}
