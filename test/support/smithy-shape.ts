// Where a JSON value is not what a shape of a Smithy model says: the model of a service as its AWS SDK bears it, on the JSON protocols' wire.
import { NormalizedSchema } from '@smithy/core/schema';

export type Shape = Parameters<typeof NormalizedSchema.of>[0];

/** Kind, namespace, name, traits, names of the members, their shapes, how many of them are required. */
type StructureSchema = readonly [number, string, string, unknown, readonly string[], unknown, number?];

/** Each fault as path, what is there, and what the model has there; none where the value fits. */
export function shapeFaults(shape: Shape, value: unknown, path = '$'): readonly string[] {
  const schema = NormalizedSchema.of(shape);
  const fault = (expected: string): string[] => [`${path}: got ${JSON.stringify(value)}, expected ${expected}`];
  if (schema.isStructSchema()) return isObject(value) ? structFaults(schema, value, path) : fault('a structure');
  if (schema.isListSchema())
    return Array.isArray(value)
      ? value.flatMap((item, index) => shapeFaults(schema.getValueSchema(), item, `${path}[${index}]`))
      : fault('a list');
  if (schema.isMapSchema())
    return isObject(value)
      ? Object.entries(value).flatMap(([key, each]) => shapeFaults(schema.getValueSchema(), each, `${path}.${key}`))
      : fault('a map');
  const expected = scalarOf(schema);
  return expected === null || typeof value === expected ? [] : fault(`a ${expected}`);
}

function structFaults(schema: NormalizedSchema, value: Record<string, unknown>, path: string): readonly string[] {
  const members = new Map(schema.structIterator());
  const lacking = requiredOf(schema).filter((name) => value[name] === undefined);
  return [
    ...lacking.map((name) => `${path}: lacks ${name}`),
    ...Object.entries(value).flatMap(([name, each]) => {
      const member = members.get(name);
      return member
        ? shapeFaults(member, each, `${path}.${name}`)
        : [`${path}.${name}: no member of ${schema.getName()}`];
    }),
  ];
}

/** The SDK keeps the required members first among the names, and says at the end of the schema how many they are. */
function requiredOf(schema: NormalizedSchema): readonly string[] {
  const [, , , , names, , count = 0] = schema.getSchema() as unknown as StructureSchema;
  return names.slice(0, count);
}

/** Times are seconds since 1970 on this wire, bytes are base64; null: whatever JSON there is. */
function scalarOf(schema: NormalizedSchema): 'string' | 'number' | 'boolean' | null {
  if (schema.isBooleanSchema()) return 'boolean';
  if (schema.isNumericSchema() || schema.isTimestampSchema()) return 'number';
  return schema.isStringSchema() || schema.isBlobSchema() ? 'string' : null;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
