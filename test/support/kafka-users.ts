// Users of a Kafka, with passwords for SCRAM-SHA-512.
import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { alterUserScramCredentialsV0, Connection, ScramMechanisms } from '@platformatic/kafka';

const iterations = 4_096;
const hashBytes = 64;

/** By a listener that lets whoever comes do everything. */
export async function openUsers(broker: string) {
  const [host = '', port = ''] = broker.split(':');
  const connection = new Connection('test-users');
  await connection.connect(host, Number(port));
  return {
    /** Made where there is no such user. */
    setPassword: async (name: string, password: string): Promise<void> => {
      const salt = randomBytes(16);
      const saltedPassword = pbkdf2Sync(password, salt, iterations, hashBytes, 'sha512');
      const mechanism = ScramMechanisms.SCRAM_SHA_512;
      await alterUserScramCredentialsV0.api.async(
        connection,
        [],
        [{ name, mechanism, iterations, salt, saltedPassword }],
      );
    },
    close: async (): Promise<void> => await connection.close(),
  };
}
