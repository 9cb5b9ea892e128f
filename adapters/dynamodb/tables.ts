// Makes the tables on DynamoDB Local. On AWS the storage stack makes them, with the same keys.
import { CreateTableCommand, ResourceInUseException, waitUntilTableExists } from '@aws-sdk/client-dynamodb';
import { tables } from '#core/names.ts';
import { carryOut, type Dynamo } from './client.ts';

const waitSecondsMax = 30;

/** Idempotent; returns when all tables can be used. */
export async function createTables(dynamo: Dynamo): Promise<void> {
  await Promise.all(Object.values(tables).map((table) => createTable(dynamo, table)));
}

async function createTable(dynamo: Dynamo, table: string): Promise<void> {
  const command = new CreateTableCommand({
    TableName: table,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [
      { AttributeName: 'pk', AttributeType: 'S' },
      { AttributeName: 'sk', AttributeType: 'S' },
    ],
    KeySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
  });
  await carryOut(async () => {
    try {
      await dynamo.client.send(command);
    } catch (error) {
      if (!(error instanceof ResourceInUseException)) throw error;
    }
    const wait = { client: dynamo.client, maxWaitTime: waitSecondsMax, minDelay: 1, maxDelay: 1 };
    await waitUntilTableExists(wait, { TableName: table });
  });
}
