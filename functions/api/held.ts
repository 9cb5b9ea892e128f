// GET and POST /v1/held: jobs whose end waits since too many would end at once, and somebody's consent that they do.
import * as z from 'zod';
import { heldSchema } from '#core/api/freeze-schemas.ts';
import type { HeldView } from '#core/api/wire.ts';
import { readJobId } from '#core/names.ts';
import { reasonOf } from '#functions/api/caller.ts';
import { endpoint, jsonAnswer } from '#functions/api/endpoint.ts';
import { changeQuery, nothing } from '#functions/api/parameters.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { ApiRefusal } from '#functions/api/refusal.ts';
import { isoTime } from '#functions/api/views.ts';

async function readHeld(parts: ApiParts, tenant: string): Promise<HeldView> {
  const controls = await parts.controls.list();
  const items = controls.flatMap(({ job, announced: { held } }) => {
    const id = readJobId(job);
    return held !== undefined && id?.tenant === tenant ? [{ job: id.name, id: job, since: isoTime(Number(held)) }] : [];
  });
  return { items: items.sort((a, b) => (a.job < b.job ? -1 : 1)) };
}

export const listHeld = endpoint({
  ...{ method: 'GET', path: '/v1/held', operationId: 'listHeld', tag: 'Jobs' },
  summary: 'Jobs whose end waits, since too many would end at once',
  ...{ params: nothing, query: nothing },
  answers: { 200: { description: 'By name.', schema: heldSchema } },
  handle: async (request, parts) => jsonAnswer(200, await readHeld(parts, request.caller.tenant)),
});

const idsMax = 100_000;

export const approveHeld = endpoint({
  ...{ method: 'POST', path: '/v1/held/approvals', operationId: 'approveHeld', tag: 'Jobs' },
  summary: 'Agree that these jobs end',
  description: 'By the ids that the list of held jobs tells: what is added to it later is not agreed to.',
  ...{ params: nothing, query: changeQuery },
  body: {
    schema: z.strictObject({ jobs: z.array(z.string().max(200)).min(1).max(idsMax) }),
    ...{ bytesMax: 6 * 1024 * 1024, keysMax: idsMax },
  },
  answers: { 204: { description: 'Agreed, for a day: the next pass ends them.' } },
  problems: [409],
  reads: ['millrace-reason'],
  handle: async (request, parts) => {
    const { tenant, author } = request.caller;
    const known = new Set((await readHeld(parts, tenant)).items.map(({ id }) => id));
    const { jobs } = request.content;
    const strange = jobs.filter((job) => !known.has(job));
    if (strange.length > 0)
      throw new ApiRefusal(
        409,
        'not-held',
        `${strange.length} of these jobs are not held: ${strange.slice(0, 3).join(', ')}`,
        {
          fix: 'GET /v1/held tells which are',
        },
      );
    await parts.goals.approve({ tenant, jobs, author, reason: reasonOf(request) });
    return { kind: 'empty', status: 204 };
  },
});
