// In front of moto's Glue: what the service's documentation says and moto does not keep to, and its bad moments.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

export type GlueAction =
  | 'GetTable'
  | 'CreateTable'
  | 'UpdateTable'
  | 'BatchCreatePartition'
  | 'BatchGetPartition'
  | 'BatchUpdatePartition';

/** What becomes of a call. */
export type GlueFate =
  | { readonly kind: 'error'; readonly code: string; readonly status?: number }
  /** Carried out, and the caller does not learn it. */
  | { readonly kind: 'lost-answer' }
  /** The first `count` items are refused with `code`, each by itself, and the rest carried out. */
  | { readonly kind: 'item-errors'; readonly code: string; readonly count: number }
  /** Of what is asked for, the last `count` are left out and named. */
  | { readonly kind: 'unprocessed'; readonly count: number }
  /** Carried out behind something else. */
  | { readonly kind: 'behind'; readonly what: () => Promise<void> };

export interface GlueFront {
  readonly url: string;
  /** Actions that came, in order; answered or not. */
  readonly actions: string[];
  /** The next calls of the action meet these, in turn. */
  meet(action: GlueAction, ...fates: readonly GlueFate[]): void;
  close(): void;
}

type Json = Record<string, unknown>;

/** "BatchCreatePartition: PartitionInputList, Fixed array size of 100", "BatchUpdatePartition: Entries, 1–100", "BatchGetPartition: PartitionsToGet, not more than 1000". */
const itemsOf: Readonly<Record<string, { readonly list: string; readonly values: string; readonly max: number }>> = {
  BatchCreatePartition: { list: 'PartitionInputList', values: 'Values', max: 100 },
  BatchUpdatePartition: { list: 'Entries', values: 'PartitionValueList', max: 100 },
  BatchGetPartition: { list: 'PartitionsToGet', values: 'Values', max: 1_000 },
};

export async function glueFront(motoUrl: string): Promise<GlueFront> {
  const actions: string[] = [];
  const fates = new Map<string, GlueFate[]>();
  /** One update after the other, so that looking at the version and changing it are one step. */
  let updates: Promise<unknown> = Promise.resolve();

  const forward = async (request: IncomingMessage, action: string, body: Json): Promise<Answer> => {
    const headers = { ...headersOf(request), 'x-amz-target': `AWSGlue.${action}` };
    const answer = await fetch(motoUrl, { method: 'POST', headers, body: JSON.stringify(body) });
    return { status: answer.status, body: (await answer.json()) as Json };
  };

  /** "VersionId: the version ID at which to update the table contents"; moto updates whatever is there. */
  const update = async (request: IncomingMessage, body: Json): Promise<Answer> => {
    const { Name } = body['TableInput'] as { Name: string };
    const found = await forward(request, 'GetTable', { DatabaseName: body['DatabaseName'], Name });
    const { VersionId } = (found.body['Table'] ?? {}) as { VersionId?: string };
    if (found.status === 200 && body['VersionId'] !== undefined && body['VersionId'] !== VersionId)
      return refusal('ConcurrentModificationException', `the table is of version ${VersionId}`);
    return await forward(request, 'UpdateTable', body);
  };

  const carryOut = async (request: IncomingMessage, action: string, body: Json): Promise<Answer> => {
    const items = itemsOf[action];
    if (items !== undefined && (body[items.list] as unknown[]).length > items.max)
      return refusal('ValidationException', `${items.list} must have length less than or equal to ${items.max}`);
    if (action !== 'UpdateTable') return await forward(request, action, body);
    const turn = updates.then(() => update(request, body));
    updates = turn.catch(() => {});
    return await turn;
  };

  const partly = async (request: IncomingMessage, action: string, body: Json, fate: GlueFate): Promise<Answer> => {
    const { list, values } = itemsOf[action]!;
    const all = body[list] as Json[];
    if (fate.kind === 'unprocessed') {
      const answer = await carryOut(request, action, { ...body, [list]: all.slice(0, -fate.count) });
      return { ...answer, body: { ...answer.body, UnprocessedKeys: all.slice(-fate.count) } };
    }
    if (fate.kind !== 'item-errors') throw new Error(`no part of a call is ${fate.kind}`);
    const refused = all.slice(0, fate.count).map((item) => ({
      [values === 'Values' ? 'PartitionValues' : values]: item[values],
      ErrorDetail: { ErrorCode: fate.code, ErrorMessage: 'as the test wants it' },
    }));
    const answer = await carryOut(request, action, { ...body, [list]: all.slice(fate.count) });
    return { ...answer, body: { Errors: [...refused, ...((answer.body['Errors'] as Json[]) ?? [])] } };
  };

  const server = createServer(async (request, response) => {
    const action = String(request.headers['x-amz-target']).replace('AWSGlue.', '');
    const body = JSON.parse(await textOf(request)) as Json;
    actions.push(action);
    const fate = fates.get(action)?.shift();
    switch (fate?.kind) {
      case undefined:
        return say(response, await carryOut(request, action, body));
      case 'error':
        return say(response, refusal(fate.code, 'as the test wants it', fate.status));
      case 'lost-answer':
        await carryOut(request, action, body);
        return request.socket.destroy();
      case 'behind':
        await fate.what();
        return say(response, await carryOut(request, action, body));
      case 'item-errors':
      case 'unprocessed':
        return say(response, await partly(request, action, body, fate));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the front has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    actions,
    meet: (action, ...next) => void fates.set(action, [...(fates.get(action) ?? []), ...next]),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

interface Answer {
  readonly status: number;
  readonly body: Json;
}

const refusal = (code: string, message: string, status = 400): Answer => ({
  status,
  body: { __type: code, Message: message, message },
});

function headersOf({ headers }: IncomingMessage): Record<string, string> {
  const kept = ['content-type', 'authorization', 'x-amz-date'] as const;
  return Object.fromEntries(
    kept.flatMap((name) => (headers[name] === undefined ? [] : [[name, String(headers[name])]])),
  );
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

const say = (response: ServerResponse, { status, body }: Answer): void =>
  void response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
