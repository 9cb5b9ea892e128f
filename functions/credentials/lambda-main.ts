// The function that workers ask for their credentials.
import { createMessageAuthenticator } from '#adapters/kms/message-authenticator.ts';
import { createLogger } from '#adapters/logging/pino-logger.ts';
import { createObjectStore } from '#adapters/s3/object-store.ts';
import { createJobRole } from '#adapters/sts/job-role.ts';
import { readAwsAccess, readLogLevel, readSetting } from '#core/environment.ts';
import { environment } from '#core/names.ts';
import { createIssuer } from '#functions/credentials/issue-credentials.ts';

const setting = (name: string): string => readSetting(process.env, name, 'the deployment sets it');
const { region } = readAwsAccess(process.env);

export const handler = createIssuer({
  verify: createMessageAuthenticator({ region, keyId: setting(environment.identityKey) }).verify,
  objects: createObjectStore({ region, bucket: setting(environment.bucket) }),
  assume: createJobRole({ region, roleArn: setting(environment.jobRole) }),
  logger: createLogger({ level: readLogLevel(process.env), fields: { program: 'credentials' } }),
});
