// An expression is evaluated over the row that was sent, digit by digit.
import { beforeAll, expect, test } from '@jest/globals';
import { loadParser } from '#core/expression/index.ts';
import type { RawRequest } from '#functions/api/endpoint.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { sql } from '#functions/api/sql.ts';

beforeAll(loadParser);

async function evaluate(row: string): Promise<string> {
  const text = `{"row": ${row} , "expression": "n"}`;
  const request = { params: {}, query: {}, headers: {}, body: Buffer.from(text), json: JSON.parse(text) };
  const answer = await sql.run(request as unknown as RawRequest, {} as ApiParts);
  if (answer.kind !== 'json-text') throw new Error(JSON.stringify(answer));
  return answer.text;
}

test.each(['9007199254740993', '1.10', '1e400', '123456789012345678901234567890', '{"a" : 1.0}', '"ä"'])(
  'a row with %s has it as it was sent',
  async (sent) => {
    expect(await evaluate(`{"n":${sent}}`)).toBe(`{"ok":true,"type":"dynamic","value":${sent}}`);
  },
);
