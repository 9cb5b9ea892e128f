// `npm run deploy:check`: all that can be shown of a deployment without an account; ends with one line of JSON.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { App } from 'aws-cdk-lib';
import { stages } from '#infra/config.ts';
import { MillracePlatform } from '#infra/millrace-platform.ts';
import { bundlePrograms, functionEntries, type Programs } from '#infra/programs.ts';
import { findingsOf } from '#infra/rule-packs.ts';
import { checkOnCounterparts, type OnCounterparts } from './counterparts.ts';
import { ensurePython, type Python } from './python.ts';

interface Bundle {
  readonly zipKiB: number;
  /** Until the function could take its first request, of a process whose files the machine has in memory. Median of three. */
  readonly importMs: number;
}

const root = join(import.meta.dirname, '../..');
const out = join(root, 'cdk.out');
const bundleBytesMax = 5 * 1024 * 1024;
const importRuns = 3;
/** Leaves out what starts a Kafka, a PostgreSQL and moto. */
const isLight = process.argv.includes('--light');
const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** Without credentials, and told that there is no network to ask for any. */
const noCredentials = (): NodeJS.ProcessEnv => {
  const left = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'));
  return { ...Object.fromEntries(left), AWS_EC2_METADATA_DISABLED: 'true', CDK_DISABLE_CLI_TELEMETRY: 'true' };
};

/** The very command that a person deploys with, so its rules count too: it fails on a finding that nobody explained. */
function synth(): boolean {
  const { status } = spawnSync(
    'node',
    [join(root, 'node_modules/aws-cdk/bin/cdk'), 'synth', '--quiet', '--output', out],
    {
      ...{ cwd: root, env: noCredentials(), stdio: ['ignore', 2, 2] },
    },
  );
  return status === 0;
}

function templates(): readonly {
  readonly path: string;
  readonly stage: string;
  readonly resources: Record<string, { Type: string }>;
}[] {
  return readdirSync(out)
    .filter((name) => name.endsWith('.template.json'))
    .map((name) => {
      const path = join(out, name);
      const { Resources } = JSON.parse(readFileSync(path, 'utf8'));
      return { path, resources: Resources, stage: /^Millrace([a-z]+)/.exec(name)?.[1] ?? '' };
    });
}

function countFindings(programs: Programs): { explained: number; open: readonly string[] } {
  const app = new App();
  for (const config of Object.values(stages))
    new MillracePlatform(app, `Millrace-${config.stage}`, { config, programs, version: '0.0.0' });
  const findings = findingsOf(app);
  const open = findings.filter(({ why }) => why === null).map(({ rule, at }) => `${rule} at ${at}`);
  return { explained: findings.length - open.length, open };
}

function lint(python: Python | null, paths: readonly string[]): readonly string[] | null {
  if (python === null) return null;
  const { stdout, status, stderr } = spawnSync(
    python.program('cfn-lint'),
    ['--format', 'json', '--regions', 'us-east-1', '--ignore-checks', 'W3005', '--', ...paths],
    {
      ...{ encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
    },
  );
  if (status !== 0 && stdout.trim() === '') throw new Error(`cfn-lint failed: ${stderr}`);
  const found = JSON.parse(stdout || '[]') as {
    Rule: { Id: string };
    Level: string;
    Message: string;
    Filename: string;
  }[];
  // Zones are fixed on purpose (infra/accepted-findings.ts).
  return found
    .filter(({ Rule }) => Rule.Id !== 'W3010')
    .map(({ Rule, Message, Filename }) => `${Rule.Id} ${Message} (${Filename.split('/').at(-1)})`);
}

const filesUnder = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

/** As deflate packs each file; a zip's own headers are some hundred bytes a file. */
const zipBytes = (folder: string): number =>
  filesUnder(folder).reduce((sum, path) => sum + deflateRawSync(readFileSync(path)).length, 0);

function importMs(folder: string): number {
  // In a place of its own: inside the repository it would find the repository's packages, which Lambda has not.
  const place = mkdtempSync(join(tmpdir(), 'millrace-bundle-'));
  cpSync(folder, place, { recursive: true });
  const script = `const from = performance.now(); await import('${join(place, 'index.mjs')}'); console.log(Math.round(performance.now() - from)); process.exit(0);`;
  const env = { ...noCredentials(), ...settingsOfImport };
  const times = Array.from({ length: importRuns }, () => {
    const { stdout, stderr, status } = spawnSync('node', ['--input-type=module', '-e', script], {
      env,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`${folder} cannot be imported: ${stderr}`);
    return Number(stdout.trim().split('\n').at(-1));
  });
  rmSync(place, { recursive: true, force: true });
  return times.sort((a, b) => a - b)[Math.floor(importRuns / 2)]!;
}

/** What the deployment sets; nothing is called while a function is imported. */
const settingsOfImport = {
  ...{ AWS_REGION: 'us-east-1', MILLRACE_STAGE: 'dev', MILLRACE_VERSION: '0.0.0', MILLRACE_BUCKET: 'bucket' },
  ...{ MILLRACE_KAFKA_BROKERS: 'broker:9098', MILLRACE_KAFKA_AUTH: 'iam', MILLRACE_POSTGRES_AUTH: 'iam' },
  MILLRACE_POSTGRES_URL: 'postgres://millrace_api@database:5432/millrace',
  MILLRACE_NUDGE_QUEUE: 'https://sqs.us-east-1.amazonaws.com/111122223333/nudges',
  MILLRACE_STATE_MACHINE: 'arn:aws:states:us-east-1:111122223333:stateMachine:millrace-reconcile',
  MILLRACE_IDENTITY_KEY: 'arn:aws:kms:us-east-1:111122223333:key/k',
  MILLRACE_JOB_ROLE: 'arn:aws:iam::111122223333:role/millrace/job/millrace-job',
  MILLRACE_CLUSTERS: 'arn:aws:ecs:us-east-1:111122223333:cluster/millrace-cell-1',
  MILLRACE_TASK_DEFINITIONS: '0.25/512=arn:aws:ecs:us-east-1:111122223333:task-definition/w:1',
  ...{ MILLRACE_SUBNETS: 'subnet-1', MILLRACE_SECURITY_GROUPS: 'sg-1', MILLRACE_WORKER_LOG_GROUP: '/millrace/workers' },
  ...{
    MILLRACE_DATABASE_SECRET: 'arn:aws:secretsmanager:us-east-1:111122223333:secret:s',
    MILLRACE_DATABASE_HOST: 'database:5432',
  },
};

function measureBundles(programs: Programs): Record<string, Bundle> {
  return Object.fromEntries(
    Object.keys(functionEntries).map((name) => {
      const folder = programs[name as keyof typeof functionEntries];
      return [name, { zipKiB: Math.round(zipBytes(folder) / 1024), importMs: importMs(folder) }];
    }),
  );
}

async function main(): Promise<boolean> {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  say('synthesizing all stages, without credentials');
  const synthesized = synth();
  const all = existsSync(out) ? templates() : [];
  const resources = all.reduce((sum, { resources: own }) => sum + Object.keys(own).length, 0);
  say(`${all.length} stacks, ${resources} resources; the bundles`);
  const programs = await bundlePrograms(join(out, 'programs'));
  const bundles = measureBundles(programs);
  const tooLarge = Object.values(bundles).some(({ zipKiB }) => zipKiB * 1024 > bundleBytesMax);
  say('the rule packs');
  const { explained, open } = countFindings(programs);
  for (const finding of open) say(`  ${finding}`);
  const python = await ensurePython(say);
  say(python === null ? 'no python: cfn-lint and the counterparts of AWS are left out' : 'cfn-lint');
  const linted = lint(
    python,
    all.map(({ path }) => path),
  );
  for (const finding of linted ?? []) say(`  ${finding}`);
  const ofDev = all.filter(({ stage }) => stage === 'dev');
  const deployed: OnCounterparts | null =
    python === null || isLight ? null : await checkOnCounterparts(python, ofDev, programs.worker, say);
  const held = synthesized && open.length === 0 && linted?.length === 0 && !tooLarge;
  const ok = held && (isLight || deployed?.failed.length === 0);
  const summary = {
    ...{ stacks: all.length, resources, synthesized, nagFindings: open.length, nagExplained: explained },
    ...{ lintFindings: linted?.length ?? null, bundles },
    ...{
      deployed: deployed?.deployed ?? null,
      failed: deployed?.failed ?? null,
      notDeployed: deployed?.notDeployed ?? null,
    },
    workerImageMiB: deployed?.workerImageMiB ?? null,
    ...{ controlFlow: deployed?.steps ?? null, light: isLight, ok },
  };
  process.stdout.write(`${JSON.stringify(summary)}\n`);
  return ok;
}

process.exitCode = (await main()) ? 0 : 1;
