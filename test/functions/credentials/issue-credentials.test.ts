// Credentials are given for the job that the reconciler signed for, narrowed to its goal, and for nothing else.
import { createHmac } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { createLogger } from '#adapters/logging/pino-logger.ts';
import { claimsText, encodeIdentity, readIdentity } from '#core/job/task-identity.ts';
import { objectKeys, sessionTags, workerName } from '#core/names.ts';
import { createIssuer } from '#functions/credentials/issue-credentials.ts';
import { aJobGoal } from '#test/support/builders.ts';

const goal = aJobGoal();
const key = objectKeys.goal(goal.id, 'abc');
const claims = { job: goal.id, worker: workerName(goal.id, 1, 0), goal: key };
const sign = (text: string): string => createHmac('sha256', 'a key').update(text).digest('base64url');

function rig() {
  const assumed: { name: string; tags: Readonly<Record<string, string>> }[] = [];
  const issue = createIssuer({
    verify: async (text, signature) => sign(text) === signature,
    objects: { get: async (asked) => (asked === key ? new TextEncoder().encode(JSON.stringify(goal)) : null) },
    assume: async (name, tags) => {
      assumed.push({ name, tags });
      return { accessKeyId: 'a', secretAccessKey: 's', sessionToken: 't', expiresAt: 1 };
    },
    logger: createLogger({ level: 'error', fields: {} }),
  });
  return { issue, assumed };
}

test('a worker that shows who it is gets a session whose tags are its goal’s', async () => {
  const { issue, assumed } = rig();
  expect(await issue({ identity: encodeIdentity(claims, sign(claimsText(claims))) })).toHaveProperty('sessionToken');
  expect(assumed[0]?.tags).toMatchObject({ [sessionTags.job]: goal.id, [sessionTags.source]: goal.source.topic });
});

test('nothing is given for a signature of other claims, of nobody, or for what is no identity', async () => {
  const { issue, assumed } = rig();
  const other = { ...claims, worker: workerName(goal.id, 2, 0) };
  const wrong = [
    encodeIdentity(other, sign(claimsText(claims))),
    encodeIdentity(claims, 'x'.repeat(43)),
    ...['', '.', 'null.', '%5B%5D.abc', 'x'.repeat(5_000)],
  ];
  for (const identity of wrong) expect(await issue({ identity })).toHaveProperty('refused');
  for (const event of [null, undefined, 7, {}, { identity: { toString: () => 'a' } }])
    expect(await issue(event)).toHaveProperty('refused');
  expect(assumed).toEqual([]);
});

test('an identity whose goal or worker is of another job is none', () => {
  const foreign = { ...claims, goal: objectKeys.goal('default/other.out@u9', 'abc') };
  expect(readIdentity(encodeIdentity(foreign, sign(claimsText(foreign))))).toBeNull();
  const prefix = { ...claims, goal: `goals/${goal.id}x/abc.json` };
  expect(readIdentity(encodeIdentity(prefix, sign(claimsText(prefix))))).toBeNull();
});

test('signed claims whose goal is gone give nothing', async () => {
  const { issue } = rig();
  const gone = { ...claims, goal: objectKeys.goal(goal.id, 'gone') };
  expect(await issue({ identity: encodeIdentity(gone, sign(claimsText(gone))) })).toHaveProperty('refused');
});
