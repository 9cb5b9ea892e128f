// `npm run deploy:check`: all that can be shown of a deployment without an account; ends with one line of JSON.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { App } from 'aws-cdk-lib';
import { messageOf } from '#core/errors.ts';
import { type StageConfig, stages, withWorkerUser } from '#infra/config.ts';
import { addDeployer } from '#infra/deployer-stack.ts';
import { MillracePlatform } from '#infra/millrace-platform.ts';
import { bundlePrograms, functionEntries, type Programs } from '#infra/programs.ts';
import { findingsOf } from '#infra/rule-packs.ts';
import { checkov } from './checkov.ts';
import { checkOnCounterparts, type OnCounterparts } from './counterparts.ts';
import { ensurePython, type Python } from './python.ts';

interface Bundle {
  readonly zipKiB: number;
  /** CPU until the function could take its first request: what it takes at one vCPU. The least of many: what else a machine does only adds to it. */
  readonly importMs: number;
}

const root = join(import.meta.dirname, '../..');
const out = join(root, 'cdk.out');
const bundleBytesMax = 5 * 1024 * 1024;
/** At one vCPU, so that a function that starts is there before a person notices. */
const importMsMax = 300;
/** At least so many; more only where it is still above the limit, for a machine that does much else beside. */
const importRuns = { least: 9, most: 45 } as const;
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
  return [out, variantFolder]
    .flatMap((folder) => (existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []))
    .filter((path) => path.endsWith('.template.json'))
    .map((path) => {
      const { Resources } = JSON.parse(readFileSync(path, 'utf8'));
      return { path, resources: Resources, stage: /^Millrace([a-z]+)/.exec(basename(path))?.[1] ?? '' };
    });
}

/** Beside the stages as they are: the resources that only a user for workers brings, and the role of a workflow that deploys. */
const variant: StageConfig = { ...withWorkerUser(stages.dev), deployFrom: { repository: 'example/millrace' } };
const variantFolder = join(out, 'users');

const props = (config: StageConfig, programs: Programs) => ({ config, programs, version: '0.0.0' });

/** Into a folder of its own: the tools read it, nothing deploys it. */
function synthVariant(programs: Programs): void {
  const app = new App({ outdir: variantFolder, context: { 'aws:cdk:enable-path-metadata': true } });
  new MillracePlatform(app, 'Millrace-users', props(variant, programs));
  addDeployer(app, variant);
  app.synth();
}

function countFindings(programs: Programs): { explained: number; open: readonly string[] } {
  const app = new App({ outdir: join(out, 'rules') });
  for (const config of [...Object.values(stages), variant])
    new MillracePlatform(app, `Millrace-${config === variant ? 'users' : config.stage}`, props(config, programs));
  addDeployer(app, variant);
  const findings = findingsOf(app);
  const open = findings.filter(({ why }) => why === null).map(({ rule, at }) => `${rule} at ${at}`);
  return { explained: findings.length - open.length, open };
}

function lint(python: Python, paths: readonly string[]): readonly string[] {
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
  const script = `const from = process.cpuUsage(); await import('${join(place, 'index.mjs')}'); const { user, system } = process.cpuUsage(from); console.log(Math.round((user + system) / 1000)); process.exit(0);`;
  const env = { ...noCredentials(), ...settingsOfImport };
  const once = (): number => {
    const command = [...oneCpu(), process.execPath, '--input-type=module', '-e', script];
    const { stdout, stderr, status } = spawnSync(command[0]!, command.slice(1), { env, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${folder} cannot be imported: ${stderr}`);
    return Number(stdout.trim().split('\n').at(-1));
  };
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < importRuns.most; run++) {
    if (run >= importRuns.least && least <= importMsMax) break;
    least = Math.min(least, once());
  }
  rmSync(place, { recursive: true, force: true });
  return least;
}

/** Else a compiler thread would have a CPU of its own, which a function of one vCPU has not. */
const oneCpu = (): readonly string[] =>
  spawnSync('taskset', ['--version']).status === 0 ? ['taskset', '-c', '0'] : [];

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
    MILLRACE_API_FUNCTION: 'millrace-api',
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

interface Step {
  readonly what: string;
  readonly held: boolean;
  readonly figures: string;
}

/** One after the other: each needs what the one before it made. A step that throws has not held; those after it still run. */
async function carryOut<Result>(
  steps: Step[],
  what: string,
  run: () => Promise<Result> | Result,
  judge: (result: Result) => Omit<Step, 'what'>,
): Promise<Result | null> {
  say(what);
  const from = performance.now();
  const seconds = (): string => `${((performance.now() - from) / 1_000).toFixed(0)} s`;
  try {
    const result = await run();
    const { held, figures } = judge(result);
    steps.push({ what, held, figures: `${figures} (${seconds()})` });
    return result;
  } catch (error) {
    steps.push({ what, held: false, figures: `${messageOf(error)} (${seconds()})` });
    return null;
  }
}

/** For a person; the line of JSON that follows is for programs. */
function tableOf(steps: readonly Step[]): string {
  const width = Math.max(...steps.map(({ what }) => what.length));
  return steps
    .map(({ what, held, figures }) => `${held ? 'ok    ' : 'FAILED'}  ${what.padEnd(width)}  ${figures}`)
    .join('\n');
}

const judgeBundles = (bundles: Record<string, Bundle>): Omit<Step, 'what'> => ({
  held: Object.values(bundles).every(
    ({ zipKiB, importMs }) => zipKiB * 1024 <= bundleBytesMax && importMs <= importMsMax,
  ),
  figures: Object.entries(bundles)
    .map(([name, { zipKiB, importMs }]) => `${name} ${zipKiB} KiB ${importMs} ms`)
    .join(', '),
});

async function main(): Promise<boolean> {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const steps: Step[] = [];
  await carryOut(steps, 'synthesize all stages without credentials', synth, (held) => ({
    held,
    figures: held ? 'cdk synth exits 0' : 'cdk synth failed',
  }));
  const programs = await carryOut(
    steps,
    'bundle the programs',
    () => bundlePrograms(join(out, 'programs')),
    (made) => ({ held: true, figures: `${Object.keys(made).length} programs` }),
  );
  if (programs !== null) synthVariant(programs);
  const all = existsSync(out) ? templates() : [];
  const resources = all.reduce((sum, { resources: own }) => sum + Object.keys(own).length, 0);
  const bundles =
    programs &&
    (await carryOut(steps, 'size and import time of each function', () => measureBundles(programs), judgeBundles));
  const findings =
    programs &&
    (await carryOut(
      steps,
      'rule packs (AwsSolutions, Serverless, NIST 800-53 r5)',
      () => countFindings(programs),
      (found) => ({
        held: found.open.length === 0,
        figures: `${found.open.length} unexplained, ${found.explained} explained`,
      }),
    ));
  for (const finding of findings?.open ?? []) say(`  ${finding}`);
  const python = await ensurePython('counterparts', say);
  if (python === null)
    steps.push({ what: 'python3 for cfn-lint and moto', held: false, figures: 'not on this machine' });
  const linted =
    python &&
    (await carryOut(
      steps,
      'cfn-lint',
      () =>
        lint(
          python,
          all.map(({ path }) => path),
        ),
      (found) => ({ held: found.length === 0, figures: `${found.length} findings in ${all.length} templates` }),
    ));
  for (const finding of linted ?? []) say(`  ${finding}`);
  const scanned = await carryOut(
    steps,
    'checkov',
    async () => {
      const kit = await ensurePython('checkov', say);
      if (kit === null) throw new Error('no python3 on this machine to run it with');
      return checkov(kit, out);
    },
    ({ open, stale, passed, explained }) => ({
      held: open.length + stale.length === 0,
      figures: `${open.length} unexplained, ${explained} explained, ${passed} checks passed`,
    }),
  );
  for (const finding of [...(scanned?.open ?? []), ...(scanned?.stale ?? [])]) say(`  ${finding}`);
  const ofDev = all.filter(({ stage }) => stage === 'dev');
  const deployed =
    python === null || programs === null || isLight
      ? null
      : await carryOut(
          steps,
          'deploy to counterparts, and run a route through',
          () => checkOnCounterparts(python, ofDev, programs.worker, say),
          (found) => ({ held: found.failed.length === 0, figures: figuresOf(found) }),
        );
  for (const failure of deployed?.failed ?? []) say(`  ${failure}`);
  const ok = steps.every(({ held }) => held);
  say(`\n${tableOf(steps)}\n`);
  const summary = {
    ...{ stacks: all.length, resources, nagFindings: findings?.open.length ?? null, nagExplained: findings?.explained },
    ...{ checkovFindings: scanned?.open.length ?? null, checkovExplained: scanned?.explained },
    ...{ lintFindings: linted?.length ?? null, bundles, notDeployed: deployed?.notDeployed ?? null },
    ...{ deployed: deployed?.deployed ?? null, failed: deployed?.failed ?? null },
    ...{ workerImageMiB: deployed?.workerImageMiB ?? null, controlFlow: deployed?.steps ?? null },
    ...{ steps, light: isLight, ok },
  };
  process.stdout.write(`${JSON.stringify(summary)}\n`);
  return ok;
}

const figuresOf = ({ deployed, notDeployed, steps, workerImageMiB }: OnCounterparts): string =>
  [
    `${Object.values(deployed).reduce((sum, count) => sum + count, 0)} resources of ${Object.keys(deployed).length} types made`,
    `${notDeployed.length} types not`,
    `${steps.length} steps of the control flow`,
    workerImageMiB === null ? 'worker image not run: no runc' : `worker image ${workerImageMiB} MiB under runc`,
  ].join(', ');

process.exitCode = (await main()) ? 0 : 1;
