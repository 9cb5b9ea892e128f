// Calls to Glue's catalog: what a caller can act upon is handed back, the rest says whose fault it is.
import {
  BatchCreatePartitionCommand,
  BatchGetPartitionCommand,
  BatchUpdatePartitionCommand,
  CreateDatabaseCommand,
  CreateTableCommand,
  type ErrorDetail,
  GetPartitionsCommand,
  GetTableCommand,
  GlueClient,
  type Partition,
  type PartitionInput,
  type Table,
  type TableInput,
  UpdateTableCommand,
} from '@aws-sdk/client-glue';
import { waitAtMost } from '#adapters/aws/waits.ts';
import { messageOf, unavailable } from '#core/errors.ts';
import { type ItemError, isLasting, refused } from './refusals.ts';

export interface GlueOptions {
  readonly region: string;
  /** Absent: those of the program's own role. */
  readonly credentials?: NonNullable<ConstructorParameters<typeof GlueClient>[0]>['credentials'];
  readonly endpoint?: string;
  readonly requestMs?: number;
}

const requestMsDefault = 10_000;
/** Throttled calls, and those that got no answer, with the SDK's own growing waits between. */
const attempts = 5;

export type GlueCatalog = ReturnType<typeof openGlue>;

/** Owns the connections. Absent and taken names, and changes that somebody else was quicker with, are answers. */
export function openGlue({ region, credentials, endpoint, requestMs = requestMsDefault }: GlueOptions) {
  const client = new GlueClient({
    region,
    ...(credentials === undefined ? {} : { credentials }),
    ...(endpoint === undefined ? {} : { endpoint }),
    maxAttempts: attempts,
    requestHandler: waitAtMost(requestMs),
  });
  return {
    createDatabase: (Name: string, Description: string): Promise<'made' | 'exists'> =>
      ask(client.send(new CreateDatabaseCommand({ DatabaseInput: { Name, Description } })), () => 'made', {
        AlreadyExistsException: 'exists',
      }),
    /** Null where the table or its database is not there. */
    getTable: (DatabaseName: string, Name: string): Promise<Table | null> =>
      ask(client.send(new GetTableCommand({ DatabaseName, Name })), ({ Table }) => Table ?? null, {
        EntityNotFoundException: null,
      }),
    createTable: (DatabaseName: string, TableInput: TableInput): Promise<'made' | 'exists' | 'no-database'> =>
      ask(client.send(new CreateTableCommand({ DatabaseName, TableInput })), () => 'made', {
        AlreadyExistsException: 'exists',
        EntityNotFoundException: 'no-database',
      }),
    /** Only if the table is still of that version. */
    updateTable: (DatabaseName: string, TableInput: TableInput, VersionId?: string): Promise<'made' | 'changed'> => {
      const version = VersionId === undefined ? {} : { VersionId };
      return ask(client.send(new UpdateTableCommand({ DatabaseName, TableInput, ...version })), () => 'made', {
        ConcurrentModificationException: 'changed',
        EntityNotFoundException: 'changed',
      });
    },
    /** 100 at most. Answers which of them were refused; that one is there already may be told of the whole batch. */
    createPartitions: (
      DatabaseName: string,
      TableName: string,
      PartitionInputList: PartitionInput[],
    ): Promise<readonly ItemError[] | 'one-exists' | 'no-table'> => {
      const request = new BatchCreatePartitionCommand({ DatabaseName, TableName, PartitionInputList });
      return ask(
        client.send(request),
        ({ Errors = [] }) => Errors.map(({ PartitionValues, ErrorDetail }) => itemError(PartitionValues, ErrorDetail)),
        { AlreadyExistsException: 'one-exists', EntityNotFoundException: 'no-table' },
      );
    },
    /** 100 at most. Some may be left out of the answer, to be asked for again. */
    getPartitions: (DatabaseName: string, TableName: string, wanted: readonly (readonly string[])[]) => {
      const PartitionsToGet = wanted.map((values) => ({ Values: [...values] }));
      const request = new BatchGetPartitionCommand({ DatabaseName, TableName, PartitionsToGet });
      return ask(
        client.send(request),
        ({ Partitions = [], UnprocessedKeys = [] }) => ({
          partitions: Partitions,
          left: UnprocessedKeys.map(({ Values = [] }): readonly string[] => Values),
        }),
        {},
      );
    },
    /** 100 at most. */
    updatePartitions: (
      DatabaseName: string,
      TableName: string,
      inputs: readonly PartitionInput[],
    ): Promise<readonly ItemError[]> => {
      const Entries = inputs.map((input) => ({ PartitionValueList: input.Values, PartitionInput: input }));
      const request = new BatchUpdatePartitionCommand({ DatabaseName, TableName, Entries });
      return ask(
        client.send(request),
        ({ Errors = [] }) =>
          Errors.map(({ PartitionValueList, ErrorDetail }) => itemError(PartitionValueList, ErrorDetail)),
        {},
      );
    },
    /** All pages. */
    listPartitions: async (DatabaseName: string, TableName: string): Promise<readonly Partition[]> => {
      const all: Partition[] = [];
      let NextToken: string | undefined;
      do {
        const page = { DatabaseName, TableName, ExcludeColumnSchema: true, ...(NextToken ? { NextToken } : {}) };
        const answer = await ask(client.send(new GetPartitionsCommand(page)), (found) => found, {});
        all.push(...(answer.Partitions ?? []));
        NextToken = answer.NextToken;
      } while (NextToken);
      return all;
    },
    close: () => client.destroy(),
  };
}

const itemError = (values: readonly string[] = [], detail: ErrorDetail = {}): ItemError => ({
  ...{ values, code: detail.ErrorCode ?? 'unknown', message: detail.ErrorMessage ?? '' },
});

/** `expected` says what a refusal of a name means to the caller. */
async function ask<Output, Answer, const Expected extends Readonly<Record<string, unknown>>>(
  call: Promise<Output>,
  read: (output: Output) => Answer,
  expected: Expected,
): Promise<Answer | Expected[keyof Expected]> {
  try {
    return read(await call);
  } catch (error) {
    const name = error instanceof Error ? error.name : '';
    if (Object.hasOwn(expected, name)) return expected[name as keyof Expected];
    throw isLasting(name) ? refused(`${name}: ${messageOf(error)}`, error) : unavailable('glue', error);
  }
}
