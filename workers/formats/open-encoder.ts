// What a sink's events are written by: the schema's id in the registry, found there or brought there.
import { PlatformError } from '#core/errors.ts';
import { RecordEncoder } from '#core/formats/record-encoder.ts';
import type { FormatGoal } from '#core/job/format-goal.ts';
import type { SchemaRegistry } from '#core/ports/schema-registry.ts';

/** Throws while the registry cannot be asked, does not have the schema, or does not let it in. */
export async function openEncoder(goal: FormatGoal, registry: SchemaRegistry): Promise<RecordEncoder> {
  const { kind, schema, message, subject } = goal;
  if (schema === null)
    throw new PlatformError('bad-goal', `the sink's stream declares no schema to write by`, {
      ...{ fault: 'internal', retry: 'no-retry' },
    });
  const found = await registry.find(subject, { kind, text: schema });
  if (found === null && !goal.register)
    throw new PlatformError(
      'schema-not-registered',
      `the registry does not have the sink's schema in subject ${subject}, and registry.register is false; register it there`,
      { fault: 'user', retry: 'retry' },
    );
  const id = found ?? (await registry.register(subject, { kind, text: schema }));
  return new RecordEncoder({ kind, schema, message }, id);
}
