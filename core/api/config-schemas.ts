// Configuration as the API shows it: of each parameter what holds, of which layer, what the others say, and what was before.
import * as z from 'zod';
import { configLayers } from '#core/config/layers.ts';

const time = z.iso.datetime();
const value = z.string().meta({ description: 'As people write it: 4MiB, 10s, 500, zstd, none.' });

const said = z.object({
  layer: z.enum(configLayers),
  value,
  from: z.string().meta({ description: 'A file, a field of the route, a variable, a team.' }),
  author: z.exactOptional(z.string()),
  reason: z.exactOptional(z.string()),
  at: z.exactOptional(time),
  expiresAt: z.exactOptional(time),
});

/** `value` null: cleared, or taken out of the route. */
const past = said.extend({ value: value.nullable(), at: time, author: z.string() });

export const configSchema = z
  .object({
    job: z.string(),
    parameters: z.array(
      z.object({
        key: z.string(),
        value,
        layer: z.enum(configLayers),
        live: z.boolean().meta({ description: 'Running workers take a change over; else they are replaced.' }),
        summary: z.string(),
        settings: z.array(said).meta({ description: 'What each layer says, the weakest first; the last one holds.' }),
        history: z.array(past).meta({ description: 'Newest first.' }),
      }),
    ),
  })
  .meta({ id: 'ConfigView' });

export const configEntrySchema = z
  .object({
    subject: z.string().meta({ description: '`job/<name>` or `team/<name>`.' }),
    key: z.string(),
    value: value.nullable().meta({ description: 'Null: cleared.' }),
    live: z.boolean(),
    author: z.string(),
    reason: z.string(),
    at: time,
    expiresAt: z.exactOptional(time),
  })
  .meta({ id: 'ConfigEntryView' });

export type ConfigView = z.infer<typeof configSchema>;
export type ConfigEntryView = z.infer<typeof configEntrySchema>;
