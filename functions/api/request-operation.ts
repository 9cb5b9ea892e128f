// POST /v1/jobs/{name}/operations: asks for a one-shot verb; the answer is a receipt that tells later what became of it.
import { z } from 'zod';
import { operationSchema } from '#core/api/schemas.ts';
import { keyReused } from '#functions/api/apply-declaration.ts';
import { idempotencyKeyOf, reasonOf } from '#functions/api/caller.ts';
import { endpoint, jsonAnswer } from '#functions/api/endpoint.ts';
import { findJob } from '#functions/api/job-view.ts';
import { changeQuery, jobNamed, reasonText } from '#functions/api/parameters.ts';
import { operationView } from '#functions/api/views.ts';

const bodyBytesMax = 16 * 1024;

export const requestOperation = endpoint({
  ...{ method: 'POST', path: '/v1/jobs/{name}/operations', operationId: 'requestOperation', tag: 'Jobs' },
  summary: 'Pause, resume or restart a job',
  description: 'Carried out by the reconciler. With an Idempotency-Key, asking again gives the same operation.',
  ...{ params: jobNamed, query: changeQuery },
  body: {
    schema: z.strictObject({ kind: z.enum(['pause', 'resume', 'restart']), reason: reasonText.optional() }),
    bytesMax: bodyBytesMax,
    example: { kind: 'restart', reason: 'after the network change' },
  },
  answers: { 202: { description: 'Asked for.', schema: operationSchema, headers: ['location'] } },
  reads: ['idempotency-key', 'millrace-reason'],
  handle: async (request, parts) => {
    const { tenant, author } = request.caller;
    const { goal } = await findJob(parts, tenant, request.path.name);
    const outcome = await parts.goals.requestOperation({
      ...{ tenant, job: goal.name, uid: goal.uid, kind: request.content.kind, author },
      reason: request.content.reason ?? reasonOf(request),
      ...idempotencyKeyOf(request.headers),
    });
    if (outcome.kind === 'conflict') throw keyReused();
    const view = operationView(outcome.operation);
    return jsonAnswer(202, view, { location: `/v1/jobs/${goal.name}/operations/${view.id}` });
  },
});
