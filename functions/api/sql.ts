// POST /v1/sql: one expression over one row, to try things out.
import * as z from 'zod';
import { memberText } from '#core/api/member-text.ts';
import { sqlSchema } from '#core/api/schemas.ts';
import { evaluateExpression, type RowType } from '#core/expression/index.ts';
import { limits } from '#core/limits.ts';
import { namePattern } from '#core/spec/declared-name.ts';
import { endpoint, jsonAnswer } from '#functions/api/endpoint.ts';
import { missing } from '#functions/api/missing.ts';
import { nothing } from '#functions/api/parameters.ts';
import type { ApiParts } from '#functions/api/parts.ts';

const bodyBytesMax = 1024 * 1024;
const utf8 = new TextDecoder();

/** Null where the stream has no schema. */
async function rowOf(parts: ApiParts, tenant: string, stream: string): Promise<RowType | null> {
  const known = await parts.worlds.read(tenant);
  const node = known.stream(stream);
  if (node === null) throw missing('stream', stream, known.names('Stream'));
  return node.row;
}

export const sql = endpoint({
  ...{ method: 'POST', path: '/v1/sql', operationId: 'sql', tag: 'Declarations' },
  summary: 'Evaluate an expression over a row',
  description:
    'With `stream`, typed by its schema. An expression that is refused, or fails over the row, is an answer too.',
  ...{ params: nothing, query: nothing },
  body: {
    schema: z.strictObject({
      expression: z.string().min(1).max(limits.expressionCharsMax),
      row: z.record(z.string(), z.unknown()).optional(),
      stream: z.string().max(limits.nameCharsMax).regex(namePattern).optional(),
    }),
    bytesMax: bodyBytesMax,
    example: { expression: "upper(country) || '!'", row: { country: 'se' } },
  },
  answers: { 200: { description: 'The value with its type, or why there is none.', schema: sqlSchema } },
  problems: [404],
  handle: async (request, parts) => {
    const { expression, stream } = request.content;
    const schema = stream === undefined ? null : await rowOf(parts, request.caller.tenant, stream);
    // As it was sent: a number that was parsed has other digits.
    const row = memberText(utf8.decode(request.body), 'row') ?? '{}';
    const value = evaluateExpression(expression, row, schema);
    if (!value.ok) return jsonAnswer(200, { ok: false, ...value.problem });
    const { type, json } = value.value;
    return { kind: 'json-text', status: 200, text: `{"ok":true,"type":${JSON.stringify(type)},"value":${json}}` };
  },
});
