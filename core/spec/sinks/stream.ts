// The sink that is a managed stream: what people declare of it, and what it means.
import * as z from 'zod';
import { declaredName } from '#core/spec/declared-name.ts';

/** Keys of a `to:` entry. */
export const declaredStreamSink = {
  stream: declaredName
    .optional()
    .meta({ description: 'A managed stream; made if not declared, with the schema that `select` implies.' }),
  key: z.string().min(1).optional().meta({ description: "The output column that becomes the record's key." }),
};

export interface StreamSink {
  readonly name: string;
  readonly kind: 'stream';
  readonly stream: string;
  /** The output column (or input field, without `select`) whose value becomes the record's key; null keeps the source record's key. */
  readonly key: string | null;
}
