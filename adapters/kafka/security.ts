// How connections to the broker are protected: not at all on a laptop; by TLS, and tokens of the program's own AWS role on MSK or a user and a password.
import type { ConnectionOptions } from '@platformatic/kafka';
import type { KafkaConfig } from 'kafkajs';
import { PlatformError } from '#core/errors.ts';

export interface KafkaSecurity {
  readonly connection: Pick<ConnectionOptions, 'tls' | 'sasl'>;
  /** The same for the library that makes topics, when it connects. */
  readonly kafkajs: () => Promise<Pick<KafkaConfig, 'ssl' | 'sasl'>>;
}

export interface BearerToken {
  readonly token: string;
  /** Epoch ms. */
  readonly expiresAt: number;
}

export type TokenSource = () => Promise<BearerToken>;

export const noSecurity: KafkaSecurity = { connection: {}, kafkajs: async () => ({}) };

/** A token is used for new connections until so long before it expires. */
const renewBeforeMs = 60_000;

/** `tls: false` is for a listener without TLS, as a test on this machine has it; MSK has none such with tokens. */
export function bearerSecurity(source: TokenSource, { tls = true } = {}): KafkaSecurity {
  const token = remembered(source);
  return {
    connection: { ...(tls ? { tls: {} } : {}), sasl: { mechanism: 'OAUTHBEARER', token } },
    kafkajs: async () => ({
      ...(tls ? { ssl: true } : {}),
      sasl: { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: await token() }) },
    }),
  };
}

export interface KafkaLogin {
  readonly username: string;
  readonly password: string;
}

export type LoginSource = () => Promise<KafkaLogin>;

/** Connections that are made at once take one login; a password that was changed is found this much later at most. */
const loginKeptMs = 10_000;

/** SCRAM-SHA-512, which is what MSK knows. `tls: false` is for a listener without it. */
export function scramSecurity(source: LoginSource, { tls = true, keptMs = loginKeptMs } = {}): KafkaSecurity {
  const login = keptFor(source, keptMs);
  return {
    connection: {
      ...(tls ? { tls: {} } : {}),
      sasl: {
        mechanism: 'SCRAM-SHA-512',
        username: async () => (await login()).username,
        password: async () => (await login()).password,
      },
    },
    kafkajs: async () => ({ ...(tls ? { ssl: true } : {}), sasl: { mechanism: 'scram-sha-512', ...(await login()) } }),
  };
}

/** One that cannot be had is asked for again at once. */
function keptFor(source: LoginSource, keptMs: number): LoginSource {
  let kept: { readonly login: Promise<KafkaLogin>; readonly until: number } | null = null;
  return async () => {
    if (kept === null || kept.until <= performance.now()) kept = { login: source(), until: performance.now() + keptMs };
    const asked = kept;
    try {
      return await asked.login;
    } catch (error) {
      if (kept === asked) kept = null;
      throw new PlatformError('kafka-login', 'the login for the broker could not be read', {
        fault: 'external',
        retry: 'retry',
        cause: error,
      });
    }
  };
}

/** Ten thousand connections that are made anew at once take one token. One that cannot be had is asked for again. */
function remembered(source: TokenSource): () => Promise<string> {
  let current: Promise<BearerToken> | null = null;
  const token = async (): Promise<string> => {
    const before = current;
    const known = await before?.catch(() => null);
    if (known && known.expiresAt - renewBeforeMs > Date.now()) return known.token;
    if (current !== before) return token();
    const asked = source();
    current = asked;
    try {
      return (await asked).token;
    } catch (error) {
      if (current === asked) current = null;
      throw new PlatformError('kafka-token', 'no token for the broker could be made from the AWS credentials', {
        fault: 'external',
        retry: 'retry',
        cause: error,
      });
    }
  };
  return token;
}
