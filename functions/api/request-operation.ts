// POST /v1/jobs/{name}/operations: asks for a one-shot verb; the answer is a receipt that tells later what became of it.

import * as z from 'zod';
import { operationPlanSchema, operationSchema } from '#core/api/schemas.ts';
import type { OperationPlanView } from '#core/api/wire.ts';
import { asScaled, workersOf } from '#core/autoscale/workers-wanted.ts';
import type { JobEntry } from '#core/graph/platform-goal.ts';
import { isSame } from '#core/hash.ts';
import { describeFreeze, unfreezeCommand } from '#core/plan/freeze.ts';
import type { Freeze, Operation, OperationRequest } from '#core/ports/goal-store.ts';
import type { Document } from '#core/spec/document.ts';
import type { Json } from '#core/spec/json.ts';
import { busy, keyReused, pause, turnsMax } from '#functions/api/apply-declaration.ts';
import { idempotencyKeyOf, reasonOf, requireOwner } from '#functions/api/caller.ts';
import { type Answer, endpoint, jsonAnswer } from '#functions/api/endpoint.ts';
import { findJob } from '#functions/api/job-view.ts';
import { applyQuery, deadLetterQuery, jobNamed, reasonText } from '#functions/api/parameters.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { replayEffects, replayPlan, rewindEffects, rewindPlan } from '#functions/api/plan-operation.ts';
import { type CheckedRoute, checkRoute, planSwitch } from '#functions/api/plan-switch.ts';
import { ApiRefusal } from '#functions/api/refusal.ts';
import { operationView } from '#functions/api/views.ts';

const bodyBytesMax = 16 * 1024;
const targetCharsMax = 4_000;

const reason = reasonText.optional();
const bodySchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.enum(['pause', 'resume', 'restart']), reason }),
  z.strictObject({
    kind: z.literal('rewind'),
    to: z.string().min(1).max(targetCharsMax).meta({
      description:
        'earliest, a time (RFC 3339) or a span back (15m), an offset for every partition, offsets by partition (0:1200,3:40), or checkpoint:N.',
    }),
    reason,
  }),
  z.strictObject({
    kind: z.literal('replay-dead-letters'),
    ...deadLetterQuery.shape,
    recordsPerSecond: z.number().min(0.1).max(1_000_000).optional().meta({ description: 'Default 500.' }),
    reason,
  }),
  z.strictObject({
    kind: z.literal('switch'),
    source: z.string().min(1).max(40).optional().meta({ description: 'The stream to read instead.' }),
    sink: z
      .union([z.string().min(1).max(40), z.record(z.string(), z.json())])
      .optional()
      .meta({ description: 'A stream to write to instead; or a sink as in `to`, without its name.' }),
    at: z.string().max(100).optional().meta({
      description: 'Of a new source: carry (by time, the default), earliest, a time (RFC 3339) or a span back (15m).',
    }),
    overlap: z
      .string()
      .max(20)
      .optional()
      .meta({ description: 'Of carry: read so much again before the time reached. Default 30s.' }),
    reason,
  }),
]);
type Body = z.infer<typeof bodySchema>;

export const requestOperation = endpoint({
  ...{ method: 'POST', path: '/v1/jobs/{name}/operations', operationId: 'requestOperation', tag: 'Jobs' },
  summary: 'Pause, resume, restart, rewind or switch a job, or replay its dead letters',
  description:
    'Carried out by the reconciler, as it was planned when it was asked for. With dryRun=true nothing is asked for and the answer is the plan. With an Idempotency-Key, asking again gives the same operation.',
  ...{ params: jobNamed, query: applyQuery },
  body: {
    schema: bodySchema,
    bytesMax: bodyBytesMax,
    example: { kind: 'restart', reason: 'after the network change' },
  },
  answers: {
    200: { description: 'What it would do (dryRun=true).', schema: operationPlanSchema },
    202: { description: 'Asked for.', schema: operationSchema, headers: ['location'] },
  },
  problems: [403, 409],
  reads: ['idempotency-key', 'millrace-reason'],
  handle: async (request, parts) => {
    const { tenant, author } = request.caller;
    const entry = await findJob(parts, tenant, request.path.name);
    const { goal } = entry;
    requireOwner(request.caller, goal.owner, `job ${goal.name}`);
    const { kind, reason, ...asked } = request.content;
    const isDryRun = request.search.dryRun === 'true';
    const wish: OperationRequest = {
      ...{ tenant, job: goal.name, uid: goal.uid, kind, author },
      reason: reason ?? reasonOf(request),
      ...(Object.keys(asked).length === 0 ? {} : { asked: asked as Json }),
      ...idempotencyKeyOf(request.headers),
    };
    // Planned again it might be refused by now, since it was carried out.
    const known = isDryRun ? null : await parts.goals.repeatedOperation(wish);
    if (known) return accepted(known);
    if (entry.freeze !== null) throw frozen(entry.freeze);
    const { route, ...planned } = await planOperation(parts, entry, request.content, {
      tenant,
      signal: request.signal,
    });
    if (isDryRun) return jsonAnswer(200, planned);
    const outcome = await parts.goals.requestOperation({
      ...wish,
      ...(planned.plan === undefined ? {} : { plan: planned.plan }),
    });
    if (outcome.kind === 'conflict') throw keyReused();
    if (route !== undefined) await declareSwitch(parts, entry, route, outcome.operation);
    return accepted(outcome.operation);
  },
});

const frozen = (freeze: Freeze): ApiRefusal =>
  new ApiRefusal(409, 'frozen', describeFreeze(freeze), {
    fix: unfreezeCommand(freeze),
  });

const accepted = (operation: Operation): Answer =>
  jsonAnswer(202, operationView(operation), { location: `/v1/jobs/${operation.job}/operations/${operation.id}` });

/** Of a switch also the route as it will be declared. */
type Planned = OperationPlanView & { readonly route?: CheckedRoute };

/** The operation is there first, so that no pass sees the revision without it. Where it cannot be declared, nothing is switched. */
async function declareSwitch(
  parts: ApiParts,
  entry: JobEntry,
  checked: CheckedRoute,
  operation: Operation,
): Promise<void> {
  try {
    await declareChecked(parts, entry, checked, operation);
  } catch (error) {
    if (!(error instanceof ApiRefusal)) throw error;
    const why = `nothing was switched: ${error.message}`;
    await parts.goals.finishOperation(operation.tenant, operation.id, { state: 'failed', outcome: why });
    throw error;
  }
}

/** What others declare while a switch is planned may be what it needs: it is checked again until nothing has changed since. */
async function declareChecked(
  parts: ApiParts,
  { goal }: JobEntry,
  checked: CheckedRoute,
  operation: Operation,
): Promise<void> {
  const { tenant, author, reason, id } = operation;
  let { document, checkedAt } = checked;
  for (let turn = 0; turn < turnsMax; turn++) {
    const { kind, metadata, declared } = document;
    const outcome = await parts.goals.apply({
      ...{ tenant, kind, metadata, declared, author, reason: reason === '' ? `switch ${id}` : reason },
      ...{ expectedRevision: goal.revision, checkedAt },
    });
    if (outcome.kind === 'changed' || (await isDeclared(parts, document, operation))) return;
    if (outcome.kind !== 'moved')
      throw new ApiRefusal(409, 'moved', 'the route was changed while its switch was planned', { fix: 'ask again' });
    await pause(turn);
    ({ document, checkedAt } = await checkRoute(parts, tenant, document));
  }
  throw busy();
}

/** The same request may be under way twice, by a caller that had no answer in time: the other one was faster then. */
async function isDeclared(
  { goals }: ApiParts,
  { kind, metadata, declared }: Document,
  { tenant, plan }: Operation,
): Promise<boolean> {
  const planned = plan?.kind === 'switch' ? plan.revision : null;
  const revisions = await goals.revisions(tenant, kind, metadata.name);
  return revisions.some((one) => one.revision === planned && isSame(one.declared, declared));
}

async function planOperation(
  parts: ApiParts,
  entry: JobEntry,
  body: Body,
  caller: { readonly tenant: string; readonly signal: AbortSignal },
): Promise<Planned> {
  const { goal, paused } = entry;
  const { kind } = body;
  const scale = (await parts.controls.read(goal.id))?.scale;
  const workers = `${workersOf(asScaled(entry, scale))} worker(s)`;
  switch (kind) {
    case 'pause':
      return { job: goal.name, kind, effects: [paused ? 'nothing: it is paused' : `${workers} drain, commit and end`] };
    case 'resume':
      return { job: goal.name, kind, effects: [`${workers} start from the committed positions`] };
    case 'restart':
      return {
        ...{ job: goal.name, kind },
        effects: [paused ? 'nothing: the job is paused' : `${workers} drain, commit and end, then as many start`],
      };
    case 'rewind': {
      const plan = await rewindPlan(parts, entry, body.to);
      return { job: goal.name, kind, effects: rewindEffects(plan, paused), plan };
    }
    case 'replay-dead-letters': {
      const plan = await replayPlan(parts, entry, body, caller.signal);
      return { job: goal.name, kind, effects: replayEffects(plan), plan };
    }
    case 'switch': {
      if ((body.source === undefined) === (body.sink === undefined))
        throw new ApiRefusal(422, 'body-invalid', 'body: expected either source or sink');
      return { job: goal.name, kind, ...(await planSwitch(parts, entry, body, caller)) };
    }
  }
}
