// Headers that endpoints read, each stated once: checked before a handler runs, and described in OpenAPI.
import * as z from 'zod';
import { limits } from '#core/limits.ts';
import { reasonText } from '#functions/api/parameters.ts';

const tagsCharsMax = 1_000;

export const requestHeaders = {
  'if-match': z
    .string()
    .max(tagsCharsMax)
    .meta({ description: 'Only if the current revision is this one: its ETag, or *.' }),
  'if-none-match': z.literal('*').meta({ description: 'Only if there is nothing under the name yet.' }),
  'idempotency-key': z
    .string()
    .min(1)
    .max(limits.idempotencyKeyCharsMax)
    .regex(/^[\x21-\x7e]+$/)
    .meta({
      description: 'The same request under the same key is carried out once and answered the same; kept for a day.',
    }),
  'millrace-reason': reasonText,
} as const;

export type RequestHeader = keyof typeof requestHeaders;
