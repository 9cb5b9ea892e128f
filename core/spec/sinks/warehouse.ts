// The sink that is a table in the warehouse: what people declare of it, and what it means.
import * as z from 'zod';
import { parseBytes, parseDuration } from '#core/spec/quantity.ts';
import { type PartitionPattern, parsePartition } from '#core/warehouse/partition.ts';

const tableName = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/;
const tableNameCharsMax = 63;
export const partitionLevelsMax = 4;

const mebibyte = 1024 * 1024;
const bounds = {
  size: { min: mebibyte, max: 1024 * mebibyte, text: '1MiB to 1GiB' },
  every: { min: 1_000, max: 24 * 3_600_000, text: '1s to 24h' },
} as const;

/** Few and large files: what readers of tables want. At less traffic `every` decides. */
export const warehouseDefaults = { size: '128MiB', every: '5m', compression: 'zstd' } as const;

const within = (kind: 'size' | 'every') => (text: string, context: z.core.$RefinementCtx<string>) => {
  const parsed = kind === 'size' ? parseBytes(text) : parseDuration(text);
  const { min, max, text: range } = bounds[kind];
  if (!parsed.ok) context.addIssue({ code: 'custom', message: parsed.problem });
  else if (parsed.value < min || parsed.value > max)
    context.addIssue({ code: 'custom', message: `got ${text}, expected ${range}` });
};

const partition = z.string().superRefine((text, context) => {
  const parsed = parsePartition(text);
  if (!parsed.ok) context.addIssue({ code: 'custom', message: parsed.problem });
});

const partitionDescription =
  'Folders, outermost first: `{ts:yyyy-MM-dd}` (UTC; the folder column is `ts_date`), `{country}`, ' +
  'or with a name of your own `day={ts:yyyy-MM-dd}`. Default none.';

/** Keys of a `to:` entry. */
export const declaredWarehouseSink = {
  warehouse: z
    .strictObject({
      table: z
        .string()
        .max(tableNameCharsMax)
        .regex(tableName, 'expected lower-case letters, digits and single underscores between them, a letter first')
        .meta({ description: 'One route writes a table. Files lie under `tables/<tenant>/<table>/` in the bucket.' }),
      partitionBy: z.array(partition).max(partitionLevelsMax).optional().meta({
        description: partitionDescription,
      }),
      roll: z
        .strictObject({
          size: z
            .string()
            .superRefine(within('size'))
            .optional()
            .meta({ description: `A file is finished at this size. Default ${warehouseDefaults.size}.` }),
          every: z
            .string()
            .superRefine(within('every'))
            .optional()
            .meta({
              description: `Rows wait at most this long before they are in the table. Default ${warehouseDefaults.every}.`,
            }),
        })
        .optional(),
      compression: z
        .enum(['zstd', 'snappy'])
        .optional()
        .meta({ description: `Default ${warehouseDefaults.compression}.` }),
    })
    .optional()
    .meta({ description: 'A table of Parquet files in the bucket, in Hive layout.' }),
};

type Declared = NonNullable<z.infer<(typeof declaredWarehouseSink)['warehouse']>>;

export interface WarehouseSink {
  readonly name: string;
  readonly kind: 'warehouse';
  readonly table: string;
  readonly partitionBy: readonly PartitionPattern[];
  readonly roll: { readonly bytes: number; readonly everyMs: number };
  readonly compression: 'zstd' | 'snappy';
}

/** Of a declaration that was checked. */
export function completeWarehouseSink(name: string, declared: Declared): WarehouseSink {
  const size = parseBytes(declared.roll?.size ?? warehouseDefaults.size);
  const every = parseDuration(declared.roll?.every ?? warehouseDefaults.every);
  return {
    name,
    kind: 'warehouse',
    table: declared.table,
    partitionBy: (declared.partitionBy ?? []).flatMap((text) => {
      const parsed = parsePartition(text);
      return parsed.ok ? [parsed.value] : [];
    }),
    roll: { bytes: size.ok ? size.value : 0, everyMs: every.ok ? every.value : 0 },
    compression: declared.compression ?? warehouseDefaults.compression,
  };
}
