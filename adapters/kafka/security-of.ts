// How a program proves to the broker who it is, as its environment says: nothing, its AWS credentials, or a user's login.
import { type Environment, readAwsAccess, readEndpoint, readKafkaAuth, readSetting } from '#core/environment.ts';
import { environment } from '#core/names.ts';
import { type AwsCredentials, mskTokens } from './msk-token.ts';
import { bearerSecurity, type KafkaLogin, type KafkaSecurity, noSecurity, scramSecurity } from './security.ts';

export type Credentials = ReturnType<typeof readAwsAccess>['credentials'] | (() => Promise<AwsCredentials>);

/** Where a login is kept; `credentials` absent: those of the program's own role. */
export interface LoginAddress {
  readonly region: string;
  readonly secretArn: string;
  readonly endpoint?: string;
  readonly credentials?: NonNullable<Credentials>;
}

export interface SecurityNeeds {
  /** Absent: those of the program's own role. */
  readonly credentials?: Credentials;
  /** Asked where the broker wants a login, with the first connection and after it was changed. */
  readonly readLogin: (address: LoginAddress) => Promise<KafkaLogin>;
}

export function kafkaSecurityOf(env: Environment, { credentials, readLogin }: SecurityNeeds): KafkaSecurity {
  const { region } = readAwsAccess(env);
  switch (readKafkaAuth(env)) {
    case 'none':
      return noSecurity;
    case 'iam':
      return bearerSecurity(mskTokens(region, typeof credentials === 'function' ? credentials : undefined));
    case 'scram': {
      const address: LoginAddress = {
        ...{ region, secretArn: readSetting(env, environment.kafkaSecret, 'the deployment sets it') },
        ...(credentials === undefined ? {} : { credentials }),
        ...readEndpoint(env, environment.secretsEndpoint),
      };
      return scramSecurity(() => readLogin(address));
    }
  }
}
