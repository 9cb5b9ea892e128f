// The registry of a format, asked in the name of the job's tenant.
import type { FormatGoal } from '#core/job/format-goal.ts';
import type { SchemaRegistry } from '#core/ports/schema-registry.ts';
import type { WorkerParts } from '../parts.ts';

/** Null where there is no format. */
export const openRegistryOf = (
  { goal, registries }: WorkerParts,
  format: FormatGoal | undefined,
): SchemaRegistry | null => (format === undefined ? null : registries({ ...format.registry, tenant: goal.tenant }));
