// What stops changes, and what ends, as zod schemas: freezes, jobs that are held, and jobs that are to be no more.
import * as z from 'zod';
import type { EndingView, FreezeView, HeldView } from '#core/api/wire.ts';

const time = z.iso.datetime();

export const freezeSchema = z
  .object({
    scope: z.enum(['fleet', 'team', 'job']),
    name: z.string(),
    author: z.string(),
    reason: z.string(),
    at: time,
  })
  .meta({ id: 'FreezeView' }) satisfies z.ZodType<FreezeView>;
export const freezePageSchema = z.object({ items: z.array(freezeSchema) }).meta({ id: 'FreezePage' });

export const endingPageSchema = z
  .object({
    items: z.array(
      z
        .object({
          ...{ job: z.string(), owner: z.string() },
          state: z.enum(['frozen', 'held', 'ending', 'ended']).meta({
            description:
              'frozen, held: it runs on. ending: its workers drain. ended: what it left is kept, or being removed.',
          }),
          ...{ since: time, message: z.string() },
        })
        .meta({ id: 'EndingView' }) satisfies z.ZodType<EndingView>,
    ),
  })
  .meta({ id: 'EndingPage' });

export const heldSchema = z
  .object({ items: z.array(z.object({ job: z.string(), id: z.string(), since: time })) })
  .meta({ id: 'HeldView' }) satisfies z.ZodType<HeldView>;
