// Calls to the ECS API: each kind of action within its quota, throttled calls tried again, faults told apart.
import { ECSClient, ECSServiceException } from '@aws-sdk/client-ecs';
import { waitAtMost } from '#adapters/aws/waits.ts';
import { messageOf, PlatformError, unavailable } from '#core/errors.ts';
import { type Quota, RateLimit, type Time, wallTime } from './rate-limit.ts';

export interface EcsOptions {
  readonly region: string;
  /** Of a counterpart on this machine; absent on AWS. */
  readonly endpoint?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly quotas?: Readonly<Record<ActionClass, Quota>>;
  readonly time?: Time;
  /** How long an answer is waited for. */
  readonly requestMs?: number;
}

/** Actions that share one bucket on the side of ECS. */
export type ActionClass = 'run' | 'stop' | 'read';

/**
 * Of an account and region ("Request throttling for the Amazon ECS API"): RunTask and StopTask are "cluster resource
 * modify" actions, 100 at once and 40 a second together, of which Fargate launches at most 20 a second; DescribeTasks and
 * ListTasks are "cluster resource read" actions, 100 at once and 20 a second. We leave a part of each to others.
 */
export const ecsQuotas: Readonly<Record<ActionClass, Quota>> = {
  run: { burst: 80, perSecond: 18 },
  stop: { burst: 20, perSecond: 18 },
  read: { burst: 80, perSecond: 16 },
};

const requestMsDefault = 10_000;
/** Throttled calls are made again so often; each waits for its turn at the rate that the throttling left. */
const throttledAttemptsMax = 6;
/** Of a call that got no answer, or one of a service that fails. What it did before is not done twice: RunTask bears a token. */
const failedAttemptsMax = 3;

const isThrottled = (error: unknown): boolean =>
  error instanceof ECSServiceException &&
  (['ThrottlingException', 'Throttling', 'TooManyRequestsException', 'RequestLimitExceeded'].includes(error.name) ||
    (error.name === 'ClientException' && /rate exceeded/i.test(error.message)));

/** Owns the connections and what is known of the quotas. One a process. */
export class Ecs {
  readonly client: ECSClient;
  readonly #limits: Readonly<Record<ActionClass, RateLimit>>;

  constructor(options: EcsOptions) {
    const { region, endpoint, credentials, quotas = ecsQuotas, time = wallTime } = options;
    const { requestMs = requestMsDefault } = options;
    this.client = new ECSClient({
      region,
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(credentials === undefined ? {} : { credentials }),
      // Repetitions are ours: the SDK does not know of the other calls that share the quota.
      maxAttempts: 1,
      requestHandler: waitAtMost(requestMs),
    });
    this.#limits = {
      run: new RateLimit(quotas.run, time),
      stop: new RateLimit(quotas.stop, time),
      read: new RateLimit(quotas.read, time),
    };
  }

  /** Throws the service's own exception where it refused, `ecs-unavailable` where it could not be asked or throttled to the end. */
  async call<Answer>(action: ActionClass, send: (client: ECSClient) => Promise<Answer>): Promise<Answer> {
    const limit = this.#limits[action];
    for (let throttled = 0, failed = 0; ; ) {
      await limit.turn();
      try {
        const answer = await send(this.client);
        limit.succeeded();
        return answer;
      } catch (error) {
        if (isThrottled(error)) {
          limit.throttled();
          if (++throttled < throttledAttemptsMax) continue;
        } else if (error instanceof ECSServiceException && error.$fault === 'client') throw error;
        else if (++failed < failedAttemptsMax) continue;
        throw unavailable('ecs', error);
      }
    }
  }

  close(): void {
    this.client.destroy();
  }
}

/** A refusal that a repetition does not change. */
export const ecsRefused = (what: string, error: unknown): PlatformError =>
  new PlatformError('ecs-refused', `ECS refused to ${what}: ${messageOf(error)}`, {
    fault: 'internal',
    retry: 'no-retry',
    cause: error,
  });
