// The environment of the platform's own programs on this machine: where everything is, and by which key.
import { defaultBucket, environment } from '#core/names.ts';
import { type Credentials, credentialsIn } from './credentials.ts';
import { postgresUrl } from './parts/postgres.ts';
import { type Ports, placesIn, readPlatformFile } from './platform-file.ts';
import { loopback } from './ports.ts';

export const supervisorUrl = (port: number, { supervisorPassword }: Credentials): string =>
  `http://millrace:${supervisorPassword}@${loopback}:${port}`;

export function platformEnvironment(dataDir: string, ports: Ports, credentials: Credentials): Record<string, string> {
  const http = (port: number): string => `http://${loopback}:${port}`;
  return {
    [environment.stage]: 'local',
    [environment.dataDir]: placesIn(dataDir).data,
    [environment.secretsDir]: placesIn(dataDir).secrets,
    [environment.kafkaBrokers]: `${loopback}:${ports.kafka}`,
    [environment.postgresUrl]: postgresUrl({ port: ports.postgres, password: credentials.postgresPassword }),
    [environment.dynamodbEndpoint]: http(ports.dynamodb),
    [environment.s3Endpoint]: http(ports.s3),
    [environment.bucket]: defaultBucket,
    [environment.region]: 'us-east-1',
    [environment.accessKeyId]: credentials.accessKeyId,
    [environment.secretAccessKey]: credentials.secretAccessKey,
    [environment.apiPort]: String(ports.api),
    [environment.apiUrl]: http(ports.api),
    [environment.supervisorPort]: String(ports.supervisor),
    [environment.supervisorUrl]: supervisorUrl(ports.supervisor, credentials),
    [environment.reconcilerPort]: String(ports.reconciler),
    [environment.reconcilerUrl]: http(ports.reconciler),
    ...settingsOfCaller(),
  };
}

/** What whoever starts the platform may set for its programs. */
const callerSettings = [
  environment.logLevel,
  environment.workerEntry,
  environment.tasksMax,
  environment.stopTimeoutMs,
  environment.leaseMs,
  environment.sinkNetworks,
  environment.configFile,
  environment.config,
  environment.openSearchUrl,
  environment.registryUrl,
  environment.extraCertificates,
];

const settingsOfCaller = (): Record<string, string> =>
  Object.fromEntries(
    callerSettings.flatMap((name): [string, string][] => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );

/** For programs that join a running platform: tests, benchmarks. Null where the folder has none. */
export function environmentOfRunning(dataDir: string): Record<string, string> | null {
  const file = readPlatformFile(dataDir);
  return file === null ? null : platformEnvironment(dataDir, file.ports, credentialsIn(dataDir));
}
