// What a worker is told of a stream's format: where its schemas are, and by which of them it reads and writes.
import type { AuthSpec } from '#core/spec/sinks/auth.ts';
import type { StreamFormat } from '#core/spec/stream-format.ts';

export interface FormatGoal {
  readonly kind: StreamFormat['kind'];
  readonly registry: {
    readonly url: string;
    /** Opened by the platform beside the public internet. */
    readonly networks: readonly string[];
    readonly auth: AuthSpec | null;
  };
  readonly subject: string;
  readonly register: boolean;
  /** What events are read as, and written by. Null: as they were written; nothing can be written then. */
  readonly schema: string | null;
  readonly message: string | null;
}

/** The subject of a stream's values, as Confluent's serializers name it. */
export const subjectOf = (format: StreamFormat, stream: string): string => format.subject ?? `${stream}-value`;

/** Null where the platform lacks what the declaration leaves to it. */
export function compileFormat(
  format: StreamFormat,
  stream: string,
  platform: { readonly networks: readonly string[]; readonly registryUrl: string | null },
): FormatGoal | null {
  const url = format.url ?? platform.registryUrl;
  if (url === null) return null;
  const { kind, auth, register, schema, message } = format;
  const registry = { url, networks: platform.networks, auth };
  return { ...{ kind, registry, register, schema, message }, subject: subjectOf(format, stream) };
}
