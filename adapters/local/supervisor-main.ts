// The supervisor as a program: environment in, workers run. SIGTERM ends it; its workers go on.
import { environment } from '#core/names.ts';
import type { ObservedTask } from '#core/ports/task-runner.ts';
import { plainEnv } from './java.ts';
import { placesIn } from './platform-file.ts';
import { Supervisor } from './supervisor.ts';
import { supervisorDefaults } from './supervisor-defaults.ts';
import { serveSupervisor } from './supervisor-server.ts';

/** What a worker needs of ours. No Postgres: workers go on without the goal store. */
const workerVariables = [
  environment.stage,
  environment.kafkaBrokers,
  environment.dynamodbEndpoint,
  environment.s3Endpoint,
  environment.bucket,
  environment.region,
  environment.accessKeyId,
  environment.secretAccessKey,
  environment.secretsDir,
  environment.extraCertificates,
  environment.logLevel,
];

const eventWithinMs = 1_000;

function required(name: string): string {
  const value = process.env[name];
  if (value !== undefined) return value;
  process.stderr.write(`${name} is not set; expected the environment that \`millrace up\` gives the supervisor\n`);
  process.exit(1);
}

function workerEnvironment(): Record<string, string> {
  const set = workerVariables.flatMap((name): [string, string][] => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  return { ...plainEnv(), ...Object.fromEntries(set) };
}

/** Tells the reconciler at once; its sweep finds what gets lost here. */
function tellReconciler(task: ObservedTask): void {
  const url = process.env[environment.reconcilerUrl];
  if (url === undefined) return;
  const event = { kind: 'task-state-change', job: task.job, taskId: task.taskId, state: task.state, at: Date.now() };
  fetch(`${url}/nudge`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(event),
    signal: AbortSignal.timeout(eventWithinMs),
  }).then(
    (response) => response.body?.cancel(),
    () => {},
  );
}

const url = new URL(required(environment.supervisorUrl));
const places = placesIn(required(environment.dataDir));
const supervisor = new Supervisor({
  tasksDir: places.tasks,
  logsDir: places.taskLogs,
  program: {
    entry: process.env[environment.workerEntry] ?? supervisorDefaults.workerEntry,
    nodeFlags: supervisorDefaults.nodeFlags,
  },
  baseEnvironment: workerEnvironment(),
  tasksMax: Number(process.env[environment.tasksMax] ?? supervisorDefaults.tasksMax),
  tasksAtPar: supervisorDefaults.tasksAtPar,
  stopTimeoutMs: Number(process.env[environment.stopTimeoutMs] ?? supervisorDefaults.stopTimeoutMs),
  onChange: tellReconciler,
});
const server = await serveSupervisor(supervisor, Number(url.port), url.password);

for (const name of ['SIGTERM', 'SIGINT'] as const) {
  process.once(name, () => {
    supervisor.close();
    server.close();
    server.closeAllConnections();
  });
}
