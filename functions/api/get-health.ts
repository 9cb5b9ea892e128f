// GET /v1/health: whether the API and the parts that it depends on answer.
import { healthSchema } from '#core/api/schemas.ts';
import { messageOf } from '#core/errors.ts';
import { endpoint, jsonAnswer } from '#functions/api/endpoint.ts';
import { nothing } from '#functions/api/parameters.ts';
import type { HealthProbe } from '#functions/api/parts.ts';

const probeMsMax = 2_000;

export const getHealth = endpoint({
  ...{ method: 'GET', path: '/v1/health', operationId: 'getHealth', tag: 'Platform' },
  summary: 'The platform’s own health',
  description: 'Answers 200 as long as the API itself works; `ok` is false when a part that it depends on does not.',
  ...{ params: nothing, query: nothing },
  answers: { 200: { description: 'Each part’s state.', schema: healthSchema } },
  handle: async (_request, parts) => {
    const states = await Promise.all(parts.probes.map(stateOf));
    return jsonAnswer(200, { ok: states.every((state) => state.ok), version: parts.version, parts: states });
  },
});

async function stateOf({ name, probe }: HealthProbe): Promise<{ name: string; ok: boolean; message: string }> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${probeMsMax} ms`)), probeMsMax);
  });
  try {
    await Promise.race([probe(), late]);
    return { name, ok: true, message: 'answers' };
  } catch (error) {
    return { name, ok: false, message: messageOf(error) };
  } finally {
    clearTimeout(timer);
  }
}
