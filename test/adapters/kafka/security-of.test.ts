// Which proof a program shows the broker, from its environment.
import { expect, test } from '@jest/globals';
import { kafkaSecurityOf, type LoginAddress } from '#adapters/kafka/security-of.ts';
import { environment } from '#core/names.ts';

const secretArn = 'arn:aws:secretsmanager:us-east-1:111122223333:secret:AmazonMSK_millrace-workers-a1B2c3';
const refuse = async (): Promise<never> => {
  throw new Error('no login is wanted');
};
const saslOf = (env: Record<string, string>) => kafkaSecurityOf(env, { readLogin: refuse }).connection;

test('a laptop’s broker is shown nothing, MSK a token over TLS', () => {
  expect(saslOf({})).toEqual({});
  expect(saslOf({ [environment.kafkaAuth]: 'iam' })).toMatchObject({ tls: {}, sasl: { mechanism: 'OAUTHBEARER' } });
});

test('a login is read with the first connection, where the deployment says, with the credentials of the job', async () => {
  const asked: LoginAddress[] = [];
  const credentials = async () => ({ accessKeyId: 'a', secretAccessKey: 'b' });
  const readLogin = async (address: LoginAddress) => {
    asked.push(address);
    return { username: 'millrace-worker', password: 'p' };
  };
  const env = { [environment.kafkaAuth]: 'scram', [environment.kafkaSecret]: secretArn };
  const { tls, sasl } = kafkaSecurityOf(env, { credentials, readLogin }).connection;
  expect([tls, sasl?.mechanism, asked]).toEqual([{}, 'SCRAM-SHA-512', []]);
  const { username } = sasl as { readonly username: () => Promise<string> };
  expect(await username()).toBe('millrace-worker');
  expect(asked).toEqual([{ region: 'us-east-1', secretArn, credentials }]);
});

test('a word that is none of the three, and a login without a secret, are told by their setting', () => {
  expect(() => saslOf({ [environment.kafkaAuth]: 'plain' })).toThrow(/MILLRACE_KAFKA_AUTH is "plain"/);
  expect(() => saslOf({ [environment.kafkaAuth]: 'scram' })).toThrow(/MILLRACE_KAFKA_SECRET is not set/);
});
