// Stacks on moto's CloudFormation: what was made, what failed, and whether the tables are those that the programs want.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { tables } from '#core/names.ts';
import { testAccessKey } from '#test/support/own-parts.ts';
import { deployable, withoutOthers } from './reduce-template.ts';

export interface Template {
  readonly path: string;
  readonly resources: Readonly<Record<string, { readonly Type: string }>>;
}

const region = 'us-east-1';

/** A stack after the other; a value that a later one imports and nothing made is replaced by one of its kind. */
export async function deployAll(url: string, templates: readonly Template[]) {
  const deployed: Record<string, number> = {};
  const failed: string[] = [];
  const outputs: Record<string, string> = {};
  for (const { path } of templates) {
    const name = `stack-${randomBytes(3).toString('hex')}`;
    const reduced = withoutOthers(JSON.parse(readFileSync(path, 'utf8')));
    if (Object.keys(reduced.Resources).length === 0) continue;
    const answer = await cloudFormation(url, {
      Action: 'CreateStack',
      StackName: name,
      TemplateBody: JSON.stringify(reduced),
    });
    if (!answer.ok) {
      failed.push(`${path.split('/').at(-1)}: ${answer.text.slice(0, 500)}`);
      continue;
    }
    const { text } = await cloudFormation(url, { Action: 'DescribeStackResources', StackName: name });
    for (const [, member = ''] of text.matchAll(/<member>(.*?)<\/member>/gs)) {
      const read = (tag: string): string => new RegExp(`<${tag}>(.*?)</${tag}>`, 's').exec(member)?.[1] ?? '';
      const type = read('ResourceType');
      if (!deployable.includes(type)) continue;
      deployed[type] = (deployed[type] ?? 0) + 1;
      outputs[read('LogicalResourceId')] = read('PhysicalResourceId');
    }
    for (const [id, { Type }] of Object.entries(reduced.Resources))
      if (!(id in outputs)) failed.push(`${Type} ${id} was asked for and is not there`);
  }
  return { deployed, failed, outputs };
}

async function cloudFormation(url: string, form: Record<string, string>): Promise<{ ok: boolean; text: string }> {
  const scope = `Credential=${testAccessKey.accessKeyId}/20260101/${region}/cloudformation/aws4_request`;
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `AWS4-HMAC-SHA256 ${scope}, SignedHeaders=host, Signature=0` },
    body: new URLSearchParams({ ...form, Version: '2010-05-15' }),
  });
  return { ok: response.ok, text: await response.text() };
}

/** What the programs need of the tables, as the template made them. */
export async function missingTables(url: string): Promise<readonly string[]> {
  const client = new DynamoDBClient({ region, endpoint: url, credentials: testAccessKey });
  const wrong: string[] = [];
  for (const table of Object.values(tables)) {
    const found = await client.send(new DescribeTableCommand({ TableName: table })).catch(() => null);
    const keys = found?.Table?.KeySchema?.map(({ AttributeName, KeyType }) => `${AttributeName} ${KeyType}`).join(', ');
    if (keys !== 'pk HASH, sk RANGE') wrong.push(`table ${table} has the keys ${keys ?? '(no table)'}`);
  }
  client.destroy();
  return wrong;
}
