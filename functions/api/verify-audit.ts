// GET /v1/audit/verification: whether the log of all changes is whole, from its first entry to its head.
import * as z from 'zod';
import { auditSchema } from '#core/api/schemas.ts';
import { endpoint, jsonAnswer } from '#functions/api/endpoint.ts';
import { nothing } from '#functions/api/parameters.ts';

/** `<sequence>:<hash>`, as `millrace audit verify` prints it. */
const knownHead = /^(\d{1,15}):([0-9a-f]{64})$/;

const query = z.strictObject({
  known: z.string().regex(knownHead, 'expected <sequence>:<hash>, as an earlier verification gave it').optional().meta({
    description: 'A head that was kept elsewhere, `<sequence>:<hash>`: the log has to hold it.',
  }),
});

export const verifyAudit = endpoint({
  ...{ method: 'GET', path: '/v1/audit/verification', operationId: 'verifyAudit', tag: 'Platform' },
  summary: 'Whether the audit log is whole',
  description: 'Walks the whole log: each entry bears a hash over itself and the one before it.',
  ...{ params: nothing, query },
  answers: { 200: { description: 'The verdict.', schema: auditSchema } },
  handle: async (request, parts) => {
    const known = knownHead.exec(request.search.known ?? '');
    const head = known === null ? undefined : { sequence: Number(known[1]), hash: known[2]! };
    return jsonAnswer(200, await parts.audit.verify(head));
  },
});
