// PUT and DELETE of a parameter: of one job for a time, with a reason; of all jobs of a team until it is cleared.
import * as z from 'zod';
import { type ConfigEntryView, configEntrySchema } from '#core/api/config-schemas.ts';
import { findParameter, formatValue } from '#core/config/parameters.ts';
import { readSetting } from '#core/config/read-source.ts';
import type { ConfigEntry, ConfigScope } from '#core/ports/goal-store.ts';
import { namePattern } from '#core/spec/declared-name.ts';
import { parseDuration } from '#core/spec/quantity.ts';
import { reasonOf, requireOwner } from '#functions/api/caller.ts';
import { type Answer, type ApiRequest, endpoint, jsonAnswer } from '#functions/api/endpoint.ts';
import { findJob } from '#functions/api/job-view.ts';
import { changeQuery, jobNamed, reasonText } from '#functions/api/parameters.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { ApiRefusal } from '#functions/api/refusal.ts';
import { isoTime } from '#functions/api/views.ts';

const bodyBytesMax = 8 * 1024;
const keyCharsMax = 100;
const expiryMs = { min: 1_000, max: 30 * 86_400_000 };

const key = z
  .string()
  .max(keyCharsMax)
  .regex(/^[A-Za-z.]+$/)
  .meta({ description: 'Of the parameter, such as source.fetchBytesMax.' });
const ofJob = jobNamed.extend({ key });
const ofTeam = z.strictObject({
  name: z.string().max(40).regex(namePattern).meta({ description: 'Of the owner, as it stands in metadata.' }),
  key,
});
const value = z
  .union([z.string().max(100), z.number()])
  .meta({ description: 'As in `spec.config`: 4MiB, 10s, 500, zstd, none.' });
const span = z.string().max(20).meta({ description: 'How long it holds: 1s to 30d.' });

const tag = 'Configuration';
const answers = { 200: { description: 'As it is kept.', schema: configEntrySchema } };

export const setJobConfig = endpoint({
  ...{ method: 'PUT', path: '/v1/jobs/{name}/config/{key}', operationId: 'setJobConfig', tag, answers },
  summary: 'Override a parameter of a job for a time',
  description:
    'The strongest layer. It ends by itself when its time is over; the reason is kept and shown. A parameter that is live reaches running workers within seconds; for any other the workers are replaced.',
  ...{ params: ofJob, query: changeQuery },
  body: {
    schema: z.strictObject({ value, reason: reasonText.min(1), expiresIn: span }),
    bytesMax: bodyBytesMax,
    example: { value: 500, reason: 'the service is being moved', expiresIn: '2h' },
  },
  handle: async (request, parts) => {
    const { content } = request;
    const of = await jobScope(request, parts);
    return await store(request, parts, of, { ...content, expiresInMs: expiresInMs(content.expiresIn) });
  },
});

export const clearJobConfig = endpoint({
  ...{ method: 'DELETE', path: '/v1/jobs/{name}/config/{key}', operationId: 'clearJobConfig', tag, answers },
  summary: 'End an override before its time',
  ...{ params: ofJob, query: changeQuery },
  reads: ['millrace-reason'],
  handle: async (request, parts) => await clear(request, parts, await jobScope(request, parts)),
});

export const setTeamConfig = endpoint({
  ...{ method: 'PUT', path: '/v1/teams/{name}/config/{key}', operationId: 'setTeamConfig', tag, answers },
  summary: 'Set a parameter for all jobs of a team',
  description: 'Weaker than what a route says itself, stronger than the installation’s file.',
  ...{ params: ofTeam, query: changeQuery },
  body: {
    schema: z.strictObject({ value, reason: reasonText.min(1), expiresIn: span.optional() }),
    bytesMax: bodyBytesMax,
    example: { value: '1MiB', reason: 'many small events' },
  },
  handle: async (request, parts) => {
    const { expiresIn, ...content } = request.content;
    const wish = { ...content, expiresInMs: expiresIn === undefined ? null : expiresInMs(expiresIn) };
    return await store(request, parts, teamScope(request), wish);
  },
});

export const clearTeamConfig = endpoint({
  ...{ method: 'DELETE', path: '/v1/teams/{name}/config/{key}', operationId: 'clearTeamConfig', tag, answers },
  summary: 'Clear a parameter of a team',
  ...{ params: ofTeam, query: changeQuery },
  reads: ['millrace-reason'],
  handle: async (request, parts) => await clear(request, parts, teamScope(request)),
});

type KeyedRequest = ApiRequest<
  { readonly name: string; readonly key: string },
  { reason?: string | undefined },
  unknown
>;

/** Of what the caller's teams may change. */
function teamScope({ caller, path }: KeyedRequest): ConfigScope {
  requireOwner(caller, path.name, `team ${path.name}`);
  return { scope: 'team', subject: path.name };
}

async function jobScope(request: KeyedRequest, parts: ApiParts): Promise<ConfigScope> {
  const { goal } = await findJob(parts, request.caller.tenant, request.path.name);
  requireOwner(request.caller, goal.owner, `job ${goal.name}`);
  return { scope: 'job', subject: goal.name, uid: goal.uid };
}

function expiresInMs(text: string): number {
  const parsed = parseDuration(text);
  if (parsed.ok && parsed.value >= expiryMs.min && parsed.value <= expiryMs.max) return parsed.value;
  const message = parsed.ok ? `got ${text}, expected 1s to 30d` : parsed.problem;
  throw new ApiRefusal(422, 'body-invalid', `body expiresIn: ${message}`);
}

async function store(
  request: KeyedRequest,
  parts: ApiParts,
  of: ConfigScope,
  wish: { readonly value: string | number; readonly reason: string; readonly expiresInMs: number | null },
): Promise<Answer> {
  const { key } = request.path;
  const { tenant, author } = request.caller;
  const read = readSetting(key, wish.value);
  if (!read.ok)
    throw new ApiRefusal(422, 'config-invalid', read.problem, { fix: 'millrace config ls tells what there is' });
  return jsonAnswer(200, entryView(await parts.goals.setConfig({ ...of, ...wish, tenant, author, key })));
}

async function clear(request: KeyedRequest, parts: ApiParts, of: ConfigScope): Promise<Answer> {
  const { key } = request.path;
  const { tenant, author } = request.caller;
  const newest = (await parts.goals.configHistory(tenant, of)).find((entry) => entry.key === key);
  const isOver = newest === undefined || newest.value === null || (newest.expiresAt ?? Infinity) <= parts.clock.now();
  if (isOver)
    throw new ApiRefusal(404, 'not-found', `nothing is set for ${key} of ${of.scope} ${of.subject}`, {
      fix: `millrace config explain ${of.scope === 'job' ? of.subject : 'JOB'} tells what holds`,
    });
  const cleared = { ...of, value: null, reason: reasonOf(request), expiresInMs: null, tenant, author, key };
  return jsonAnswer(200, entryView(await parts.goals.setConfig(cleared)));
}

function entryView(entry: ConfigEntry): ConfigEntryView {
  const { scope, subject, key, value, author, reason, at, expiresAt } = entry;
  const parameter = findParameter(key);
  const read = value === null ? null : readSetting(key, value);
  return {
    ...{ subject: `${scope}/${subject}`, key, live: parameter?.live ?? false, author, reason, at: isoTime(at) },
    value: parameter === null || !read?.ok ? null : formatValue(parameter, read.value),
    ...(expiresAt === null ? {} : { expiresAt: isoTime(expiresAt) }),
  };
}
