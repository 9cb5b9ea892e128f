// The DynamoDB client that all stores share: bounded waiting, platform errors, and the few kinds of call they need.
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AttributeValue,
  BatchGetItemCommand,
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DynamoDBClient,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { waitAtMost } from '#adapters/aws/waits.ts';
import { messageOf, PlatformError, unavailable } from '#core/errors.ts';

interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

export interface DynamoOptions {
  readonly region: string;
  /** Of DynamoDB Local; absent on AWS. */
  readonly endpoint?: string;
  /** Absent: the SDK's own chain (the task's role on AWS). */
  readonly credentials?: AwsKeys | (() => Promise<AwsKeys>);
  /** Until one request is answered, and then for each next piece of the answer; 3 s where not given. */
  readonly requestMs?: number;
  readonly attempts?: number;
}

export type Item = Record<string, AttributeValue>;
export type Conditional = { readonly kind: 'done'; readonly item: Item } | RefusedWrite;
/** The condition did not hold; `old` is what stands there, null where nothing does. */
export interface RefusedWrite {
  readonly kind: 'refused';
  readonly old: Item | null;
}

export interface Key {
  readonly table: string;
  readonly pk: string;
  readonly sk: string;
}

const connectMs = 1_000;
const requestMsDefault = 3_000;
const attemptsDefault = 3;
const socketsMax = 64;
const batchItemsMax = 25;
const batchReadsMax = 100;
const batchAttemptsMax = 8;

export function createDynamo(options: DynamoOptions): Dynamo {
  const { region, endpoint, credentials, requestMs = requestMsDefault } = options;
  const agent = { keepAlive: true, maxSockets: socketsMax };
  return new Dynamo(
    new DynamoDBClient({
      region,
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(credentials === undefined ? {} : { credentials }),
      maxAttempts: options.attempts ?? attemptsDefault,
      requestHandler: {
        ...waitAtMost(requestMs, connectMs),
        httpAgent: agent,
        httpsAgent: agent,
      },
    }),
  );
}

/** Owns the connections. A call that throws has an unknown outcome: it may have been carried out. */
export class Dynamo {
  readonly client: DynamoDBClient;

  constructor(client: DynamoDBClient) {
    this.client = client;
  }

  /** `#name` in an expression stands for the attribute `name`, so that no reserved word has to be known. */
  async update(
    key: Key,
    expressions: { readonly update: string; readonly condition?: string },
    values: Item,
  ): Promise<Conditional> {
    const { update, condition } = expressions;
    const command = new UpdateItemCommand({
      TableName: key.table,
      Key: attributesOf(key),
      UpdateExpression: update,
      ...(condition === undefined ? {} : { ConditionExpression: condition }),
      ExpressionAttributeNames: namesIn(`${update} ${condition ?? ''}`),
      ...(Object.keys(values).length === 0 ? {} : { ExpressionAttributeValues: values }),
      ReturnValues: 'ALL_NEW',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    return await conditional(async () => (await this.client.send(command)).Attributes ?? {});
  }

  async delete(key: Key, condition?: string, values?: Item): Promise<Conditional> {
    const command = new DeleteItemCommand({
      TableName: key.table,
      Key: attributesOf(key),
      ...(condition === undefined
        ? {}
        : { ConditionExpression: condition, ExpressionAttributeNames: namesIn(condition) }),
      ...(values === undefined ? {} : { ExpressionAttributeValues: values }),
      ReturnValues: 'ALL_OLD',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    return await conditional(async () => (await this.client.send(command)).Attributes ?? {});
  }

  /** All items under one key, strongly consistent, all pages. */
  async query(table: string, pk: string, only?: readonly string[]): Promise<readonly Item[]> {
    return await allPages((from) =>
      this.client.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: '#pk = :pk',
          ExpressionAttributeNames: { '#pk': 'pk', ...namesIn(projection(only)) },
          ExpressionAttributeValues: { ':pk': { S: pk } },
          ...(only === undefined ? {} : { ProjectionExpression: projection(only) }),
          ConsistentRead: true,
          ...(from === undefined ? {} : { ExclusiveStartKey: from }),
        }),
      ),
    );
  }

  /** The whole table, eventually consistent, all pages. */
  async scan(table: string, only: readonly string[], filter?: string): Promise<readonly Item[]> {
    return await allPages((from) =>
      this.client.send(
        new ScanCommand({
          TableName: table,
          ProjectionExpression: projection(only),
          ExpressionAttributeNames: namesIn(`${projection(only)} ${filter ?? ''}`),
          ...(filter === undefined ? {} : { FilterExpression: filter }),
          ...(from === undefined ? {} : { ExclusiveStartKey: from }),
        }),
      ),
    );
  }

  /** Those that are there, of one table, strongly consistent, in any order; each key at most once. */
  async getMany(keys: readonly Key[]): Promise<readonly Item[]> {
    const calls: Promise<readonly Item[]>[] = [];
    for (let at = 0; at < keys.length; at += batchReadsMax)
      calls.push(this.#getBatch(keys[0]!.table, keys.slice(at, at + batchReadsMax).map(attributesOf)));
    return (await Promise.all(calls)).flat();
  }

  async #getBatch(table: string, keys: readonly Item[]): Promise<readonly Item[]> {
    const found: Item[] = [];
    await untilTaken(keys, `reads in ${table}`, async (left) => {
      const RequestItems = { [table]: { Keys: left, ConsistentRead: true } };
      const answer = await carryOut(() => this.client.send(new BatchGetItemCommand({ RequestItems })));
      found.push(...(answer.Responses?.[table] ?? []));
      return answer.UnprocessedKeys?.[table]?.Keys;
    });
    return found;
  }

  /** Deletes all items under one key. */
  async clear(table: string, pk: string): Promise<void> {
    const items = await this.query(table, pk, ['sk']);
    for (let at = 0; at < items.length; at += batchItemsMax) {
      const keys = items.slice(at, at + batchItemsMax).map((item) => ({ pk: { S: pk }, sk: item['sk']! }));
      await this.#deleteBatch(table, keys);
    }
  }

  async #deleteBatch(table: string, keys: readonly Item[]): Promise<void> {
    const deletions: WriteRequest[] = keys.map((Key) => ({ DeleteRequest: { Key } }));
    await untilTaken(deletions, `deletions in ${table}`, async (left) => {
      const RequestItems = { [table]: left };
      const answer = await carryOut(() => this.client.send(new BatchWriteItemCommand({ RequestItems })));
      return answer.UnprocessedItems?.[table];
    });
  }

  close(): void {
    this.client.destroy();
  }
}

/** `send` gives what of it was put off: that is sent again, after ever longer pauses. */
async function untilTaken<Part>(
  all: readonly Part[],
  what: string,
  send: (left: Part[]) => Promise<Part[] | undefined>,
): Promise<void> {
  let left = [...all];
  for (let attempt = 0; attempt < batchAttemptsMax; attempt++) {
    left = (await send(left)) ?? [];
    if (left.length === 0) return;
    await sleep(50 * 2 ** attempt);
  }
  throw unavailable('dynamodb', new Error(`${left.length} ${what} were put off again and again`));
}

const attributesOf = (key: Key): Item => ({ pk: { S: key.pk }, sk: { S: key.sk } });

const projection = (only: readonly string[] = []): string => only.map((name) => `#${name}`).join(', ');

const namesIn = (expression: string): Record<string, string> =>
  Object.fromEntries([...expression.matchAll(/#(\w+)/g)].map(([alias, name]) => [alias, name!]));

async function allPages(
  page: (from: Item | undefined) => Promise<{ Items?: Item[] | undefined; LastEvaluatedKey?: Item | undefined }>,
): Promise<readonly Item[]> {
  const items: Item[] = [];
  let from: Item | undefined;
  do {
    const answer = await carryOut(() => page(from));
    items.push(...(answer.Items ?? []));
    from = answer.LastEvaluatedKey;
  } while (from !== undefined);
  return items;
}

async function conditional(write: () => Promise<Item>): Promise<Conditional> {
  try {
    return { kind: 'done', item: await write() };
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return { kind: 'refused', old: error.Item ?? null };
    throw asPlatformError(error);
  }
}

/** Runs a call of the client; what it throws becomes a PlatformError. */
export async function carryOut<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  try {
    return await call();
  } catch (error) {
    throw asPlatformError(error);
  }
}

/** Answers that a repetition does not change. A missing table is not among them: it may be about to be made. */
const lasting: Readonly<Record<string, 'external' | 'internal'>> = {
  AccessDeniedException: 'external',
  UnrecognizedClientException: 'external',
  IncompleteSignatureException: 'external',
  MissingAuthenticationTokenException: 'external',
  CredentialsProviderError: 'external',
  ValidationException: 'internal',
  SerializationException: 'internal',
};

function asPlatformError(error: unknown): PlatformError {
  const name = error instanceof Error ? error.name : '';
  const fault = lasting[name];
  if (fault === undefined) return unavailable('dynamodb', error);
  return new PlatformError('dynamodb-refused', `dynamodb refused the request (${name}): ${messageOf(error)}`, {
    fault,
    retry: 'no-retry',
    cause: error,
  });
}
