// The API's composition: which adapters fill its ports, from the environment, read once.
import { readFileSync } from 'node:fs';
import { systemClock } from '#adapters/clock/system-clock.ts';
import { secretFiles } from '#adapters/local/secret-files.ts';
import { createAuditLog } from '#adapters/postgres/chain.ts';
import { createRequestBudget } from '#adapters/postgres/request-budget.ts';
import { createRequestLedger } from '#adapters/postgres/request-keys.ts';
import { openRegistryWith } from '#adapters/registry/schema-registry.ts';
import { createSecretStore } from '#adapters/secretsmanager/secret-store.ts';
import { type Environment, readAwsAccess, readLogLevel } from '#core/environment.ts';
import { planRoute } from '#core/expression/index.ts';
import { memoizePlanner } from '#core/graph/memoize-planner.ts';
import { limits } from '#core/limits.ts';
import { environment } from '#core/names.ts';
import type { Logger } from '#core/ports/logger.ts';
import type { RecordLog } from '#core/ports/record-log.ts';
import { unlimitedRequests } from '#core/ports/request-budget.ts';
import type { SecretStore } from '#core/ports/secret-store.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { RecordCodecs } from '#functions/api/record-codecs.ts';
import { WorldCache } from '#functions/api/world-cache.ts';
import { isLocal, openStores } from '#functions/stores.ts';
import { whenAsked } from '#functions/when-asked.ts';

export interface ComposedApi {
  readonly parts: ApiParts;
  readonly close: () => Promise<void>;
}

/** In MiB of heap about a fifth as many hundreds; a platform of that many routes keeps all of its plans. */
const plansKept = 20_000;
/** People wait for these answers: a broker that is down is told of sooner than a worker would give up. */
const kafkaCallMs = 4_000;
/** A Lambda instance serves one request at a time; the database counts the connections of all of them. */
const lambdaConnectionsMax = 2;

/** On a laptop: its log is not Lambda's. */
export async function composeLocalApi(env: Environment): Promise<ComposedApi> {
  const { createLogger } = await import('#adapters/logging/pino-logger.ts');
  return await composeApi(env, createLogger({ level: readLogLevel(env), fields: { program: 'api' } }));
}

export async function composeApi(env: Environment, logger: Logger): Promise<ComposedApi> {
  // On a laptop there is one tenant, and the database's owner, whom no policy holds.
  const tenants = isLocal(env) ? 'whole' : 'tenant';
  const stores = await openStores(env, { program: 'api', lambdaConnectionsMax, kafkaCallMs, tenants });
  const { goals, broker, controls, splits, workers, objects, settings, database } = stores;
  const records = whenAsked<RecordLog>(
    async () => (await import('#adapters/kafka/record-log.ts')).createRecordLog(stores.kafka),
    { sequences: ['read'] },
  );
  const codecs = new RecordCodecs(openRegistryWith(composeSecrets(env)));
  const plan = memoizePlanner(planRoute, plansKept);
  return {
    parts: {
      ...{ goals, broker, controls, splits, workers, objects, settings },
      ...{ records, codecs, logger, clock: systemClock, planRoute: plan },
      worlds: new WorldCache(goals, plan),
      ledger: createRequestLedger(database, tenants),
      audit: createAuditLog(database),
      budget: isLocal(env) ? unlimitedRequests : createRequestBudget(database, limits.tenantRequests, tenants),
      probes: [
        { name: 'postgres', probe: async () => void (await database.query('SELECT 1')) },
        { name: 'kafka', probe: async () => void (await broker.describe(['__consumer_offsets'], [])) },
        { name: 'dynamodb', probe: async () => void (await controls.read('health')) },
      ],
      version: env[environment.version] ?? platformVersion(),
      identity: isLocal(env) ? 'header' : 'authorizer',
    },
    close: async () => {
      codecs.close();
      await Promise.allSettled([records.close(), stores.close()]);
    },
  };
}

/** Of registries: a platform on one machine has them in files, and on AWS the function reads what its role may. */
function composeSecrets(env: Environment): SecretStore {
  const folder = env[environment.secretsDir];
  return folder === undefined ? createSecretStore(readAwsAccess(env)) : secretFiles(folder);
}

/** Bundled for Lambda, the file is not beside the code any more; there the deployment gives the version. */
function platformVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return manifest.version;
}
