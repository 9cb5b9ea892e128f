// The names that people give: one pattern for all of them, since they become topics, keys and tags.
import * as z from 'zod';
import { limits } from '#core/limits.ts';

export const namePattern = /^[a-z0-9](-?[a-z0-9])*$/;

export const declaredName = z
  .string()
  .max(limits.nameCharsMax)
  .regex(namePattern, 'expected lower-case letters, digits and single hyphens between them')
  .meta({ description: `Lower-case letters, digits and single hyphens; at most ${limits.nameCharsMax} characters.` });
