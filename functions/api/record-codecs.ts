// Records of streams that are no JSON, for people: what they send is written by the stream's schema, what they see is JSON.
import { isPlatformError } from '#core/errors.ts';
import { RecordDecoder } from '#core/formats/record-decoder.ts';
import { RecordEncoder } from '#core/formats/record-encoder.ts';
import { contentHash } from '#core/hash.ts';
import type { FormatGoal } from '#core/job/format-goal.ts';
import { type OpenRegistry, type SchemaRegistry, schemaUnusable } from '#core/ports/schema-registry.ts';
import { ApiRefusal } from '#functions/api/refusal.ts';

/** Formats whose schemas are kept at once. */
const codecsMax = 100;

/** Keeps what registries said: a schema is for ever. */
export class RecordCodecs {
  readonly #open: OpenRegistry;
  readonly #codecs = new Map<string, RecordCodec>();

  constructor(open: OpenRegistry) {
    this.#open = open;
  }

  of(tenant: string, format: FormatGoal): RecordCodec {
    const key = contentHash({ tenant, format });
    const known = this.#codecs.get(key);
    if (known !== undefined) return known;
    const [oldest] = this.#codecs;
    if (this.#codecs.size >= codecsMax && oldest !== undefined) {
      oldest[1].registry.close();
      this.#codecs.delete(oldest[0]);
    }
    const codec = new RecordCodec(format, this.#open({ ...format.registry, tenant }));
    this.#codecs.set(key, codec);
    return codec;
  }

  close(): void {
    for (const { registry } of this.#codecs.values()) registry.close();
  }
}

export class RecordCodec {
  readonly registry: SchemaRegistry;
  readonly #format: FormatGoal;
  readonly #decoder: RecordDecoder;
  #encoder: Promise<RecordEncoder> | null = null;

  constructor(format: FormatGoal, registry: SchemaRegistry) {
    this.#format = format;
    this.registry = registry;
    this.#decoder = new RecordDecoder(format);
  }

  /** The value as JSON; `base64:…` where it is not what the stream declares. Throws while the registry cannot be asked. */
  async read(value: Uint8Array): Promise<Uint8Array> {
    let decoded = this.#decoder.decode(value, 0, value.length);
    if (decoded === 'missing') {
      const id = this.#decoder.missingId;
      const isKnown = await this.#learn(id);
      decoded = this.#decoder.decode(value, 0, value.length);
      // Another may have registered it in a moment.
      if (!isKnown) this.#decoder.forget(id);
    }
    const { bytes, length } = this.#decoder.out;
    return decoded === 'decoded'
      ? bytes.slice(0, length)
      : Buffer.from(JSON.stringify(`base64:${Buffer.from(value).toString('base64')}`));
  }

  /** False: the registry does not know the id. */
  async #learn(id: number): Promise<boolean> {
    try {
      const schema = await this.registry.byId(id);
      this.#decoder.learn(id, schema);
      return schema !== null;
    } catch (error) {
      if (!isPlatformError(error) || error.code !== schemaUnusable) throw error;
      this.#decoder.refuse(id, error.message);
      return true;
    }
  }

  /** Throws while the registry cannot be asked, and where it does not take the schema. */
  async encoder(stream: string): Promise<RecordEncoder> {
    this.#encoder ??= this.#openEncoder(stream);
    try {
      return await this.#encoder;
    } catch (error) {
      this.#encoder = null;
      throw error;
    }
  }

  async #openEncoder(stream: string): Promise<RecordEncoder> {
    const { kind, schema, message, subject, register } = this.#format;
    if (schema === null)
      throw new ApiRefusal(409, 'no-schema', `stream ${stream} is in ${kind} and declares no schema to write by`, {
        fix: `write it under spec.schema.${kind}`,
      });
    const found = await this.registry.find(subject, { kind, text: schema });
    if (found === null && !register)
      throw new ApiRefusal(
        409,
        'schema-not-registered',
        `subject ${subject} of the registry does not have the schema`,
        {
          fix: 'register it there, or leave registry.register at true',
        },
      );
    const id = found ?? (await this.registry.register(subject, { kind, text: schema }));
    return new RecordEncoder({ kind, schema, message }, id);
  }
}
