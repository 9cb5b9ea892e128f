// How connections to the broker are protected: not at all on a laptop; by TLS and tokens of the program's own AWS role on MSK.
import type { ConnectionOptions } from '@platformatic/kafka';
import type { KafkaConfig } from 'kafkajs';
import { PlatformError } from '#core/errors.ts';

export interface KafkaSecurity {
  readonly connection: Pick<ConnectionOptions, 'tls' | 'sasl'>;
  /** The same for the library that makes topics. */
  readonly kafkajs: Pick<KafkaConfig, 'ssl' | 'sasl'>;
}

export interface BearerToken {
  readonly token: string;
  /** Epoch ms. */
  readonly expiresAt: number;
}

export type TokenSource = () => Promise<BearerToken>;

export const noSecurity: KafkaSecurity = { connection: {}, kafkajs: {} };

/** A token is used for new connections until so long before it expires. */
const renewBeforeMs = 60_000;

/** `tls: false` is for a listener without TLS, as a test on this machine has it; MSK has none such with tokens. */
export function bearerSecurity(source: TokenSource, { tls = true } = {}): KafkaSecurity {
  const token = remembered(source);
  return {
    connection: { ...(tls ? { tls: {} } : {}), sasl: { mechanism: 'OAUTHBEARER', token } },
    kafkajs: {
      ...(tls ? { ssl: true } : {}),
      sasl: { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: await token() }) },
    },
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
