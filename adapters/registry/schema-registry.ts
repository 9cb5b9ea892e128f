// A schema registry behind Confluent's API: Confluent's own, Apicurio's (/apis/ccompat/v7), Karapace and others.
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import * as z from 'zod';
import { isPlatformError, messageOf, PlatformError, unavailable } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import { parseNetworks } from '#core/network/address.ts';
import { type Credential, readCredential } from '#core/network/credential.ts';
import { AddressRefused } from '#core/network/pinned-lookup.ts';
import {
  type OpenRegistry,
  type RegisteredSchema,
  type RegistryTarget,
  type SchemaKind,
  type SchemaRegistry,
  type SchemaText,
  type SubjectVersion,
  schemaUnusable,
} from '#core/ports/schema-registry.ts';
import type { SecretStore } from '#core/ports/secret-store.ts';
import { type Answered, exchange } from './exchange.ts';

const mediaType = 'application/vnd.schemaregistry.v1+json';
const exchangeMs = 10_000;
const connectionsMax = 4;
const answerBytesMax = 4 * 1024 * 1024;

const kinds = new Map<string, SchemaKind>([
  ['AVRO', 'avro'],
  ['PROTOBUF', 'protobuf'],
  ['JSON', 'json'],
]);
const wireKinds: Readonly<Record<SchemaKind, string>> = { avro: 'AVRO', protobuf: 'PROTOBUF', json: 'JSON' };

const reference = z.object({ name: z.string(), subject: z.string(), version: z.int() });
const schemaAnswer = z.object({
  schema: z.string(),
  schemaType: z.string().nullish(),
  references: z.array(reference).nullish(),
});
const versionAnswer = schemaAnswer.extend({ id: z.int().nonnegative(), version: z.int().nonnegative() });
const idAnswer = z.object({ id: z.int().nonnegative() });
const problemAnswer = z.object({ message: z.string() });
const notFoundAnswer = z.object({
  error_code: z.int().refine((code) => code === 404 || (code >= 40400 && code <= 40499)),
  // What Confluent's registry says of a path that it does not serve: the URL is wrong, and tells nothing of the schema.
  message: z.string().refine((message) => message !== 'HTTP 404 Not Found'),
});

type SchemaAnswer = z.infer<typeof schemaAnswer>;

export const openRegistryWith =
  (secrets: SecretStore): OpenRegistry =>
  (target) =>
    new HttpRegistry(target, secrets);

class HttpRegistry implements SchemaRegistry {
  readonly #target: RegistryTarget;
  readonly #secrets: SecretStore;
  readonly #agent: HttpAgent;
  #credential: Credential | null = null;
  /** All that was ever sent, by value: an answer may repeat one that has been changed since. */
  readonly #sent = new Map<string, Credential>();

  constructor(target: RegistryTarget, secrets: SecretStore) {
    this.#target = target;
    this.#secrets = secrets;
    const Agent = new URL(target.url).protocol === 'https:' ? HttpsAgent : HttpAgent;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connectionsMax, timeout: exchangeMs });
  }

  async byId(id: number): Promise<RegisteredSchema | null> {
    const answer = await this.#ask('GET', `/schemas/ids/${id}`);
    return isNotFound(answer) ? null : await this.#withReferences(this.#read(answer, schemaAnswer));
  }

  async latest(subject: string): Promise<SubjectVersion | null> {
    const answer = await this.#ask('GET', `/subjects/${encodeURIComponent(subject)}/versions/latest`);
    if (isNotFound(answer)) return null;
    const read = this.#read(answer, versionAnswer);
    // Some registries leave the kind out here, and say it by the id.
    const schema = read.schemaType ? await this.#withReferences(read) : await this.byId(read.id);
    if (schema === null) throw unavailable('registry', new Error(`schema ${read.id} of ${subject} is not there`));
    return { id: read.id, version: read.version, schema };
  }

  async find(subject: string, schema: Pick<RegisteredSchema, 'kind' | 'text'>): Promise<number | null> {
    const answer = await this.#ask('POST', `/subjects/${encodeURIComponent(subject)}`, bodyOf(schema));
    if (isNotFound(answer)) return null;
    this.#requireTaken(subject, answer);
    return this.#read(answer, idAnswer).id;
  }

  async register(subject: string, schema: Pick<RegisteredSchema, 'kind' | 'text'>): Promise<number> {
    const answer = await this.#ask('POST', `/subjects/${encodeURIComponent(subject)}/versions`, bodyOf(schema));
    this.#requireTaken(subject, answer);
    return this.#read(answer, idAnswer).id;
  }

  #requireTaken(subject: string, answer: Answered): void {
    if (answer.status !== 409 && answer.status !== 422) return;
    throw new PlatformError(
      'schema-refused',
      `the registry refuses the schema in subject ${subject}: ${this.#reasonOf(answer)}; change the schema, or the subject’s compatibility in the registry`,
      { fault: 'user', retry: 'no-retry' },
    );
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Depth first, so that each stands behind what it uses; each once. */
  async #withReferences(answer: SchemaAnswer): Promise<RegisteredSchema> {
    const type = answer.schemaType ?? 'AVRO';
    const kind = kinds.get(type);
    if (kind === undefined)
      throw unusable(`it is in ${this.#shown(type, 40)}, expected ${[...kinds.keys()].join(', ')}`);
    const texts = new Map<string, SchemaText>();
    const visit = async ({ references }: SchemaAnswer, depth: number): Promise<void> => {
      for (const { name, subject, version } of references ?? []) {
        if (texts.has(name)) continue;
        if (texts.size >= limits.schemaReferencesMax || depth > limits.schemaReferencesMax)
          throw unusable(`it uses more than ${limits.schemaReferencesMax} others; write it with fewer references`);
        const path = `/subjects/${encodeURIComponent(subject)}/versions/${version}`;
        const found = this.#read(await this.#ask('GET', path), schemaAnswer);
        texts.set(name, { name, text: found.schema });
        await visit(found, depth + 1);
        // Behind what it uses itself.
        texts.delete(name);
        texts.set(name, { name, text: found.schema });
      }
    };
    await visit(answer, 0);
    return { kind, text: answer.schema, references: [...texts.values()] };
  }

  #read<Shape>(answer: Answered, shape: z.ZodType<Shape>): Shape {
    const { status, text } = answer;
    if (status < 200 || status > 299)
      throw unavailable('registry', new Error(`it answers with ${status}: ${this.#reasonOf(answer)}`));
    const parsed = shape.safeParse(jsonOf(text));
    if (!parsed.success)
      throw unavailable('registry', new Error(`its answer is not understood: ${this.#shown(text, 200)}`));
    return parsed.data;
  }

  #reasonOf({ text }: Answered): string {
    const problem = problemAnswer.safeParse(jsonOf(text));
    return this.#shown(problem.success ? problem.data.message : text, 500) || 'no reason given';
  }

  /** All of an answer that is ever told goes through here: a registry may repeat what it was sent. What is cut first is not known again. */
  #shown(text: string, charsMax: number): string {
    return this.#redact(text).slice(0, charsMax);
  }

  #redact(text: string): string {
    return [...this.#sent.values()].reduce((seen, credential) => credential.redact(seen), text);
  }

  /** A secret that the registry does not take is read anew, once: it may have been changed. */
  async #ask(method: 'GET' | 'POST', path: string, body: string | null = null): Promise<Answered> {
    const first = await this.#send(method, path, body);
    if (!isUnauthorized(first)) return first;
    this.#credential = null;
    const second = this.#target.auth === null ? first : await this.#send(method, path, body);
    if (!isUnauthorized(second)) return second;
    throw new PlatformError(
      'registry-unauthorized',
      `the registry at ${this.#target.url} does not let us in (${second.status}): ${this.#reasonOf(second)}; set spec.registry.auth, or the secret it names`,
      { fault: 'user', retry: 'retry' },
    );
  }

  async #send(method: 'GET' | 'POST', path: string, body: string | null): Promise<Answered> {
    const { url, networks } = this.#target;
    const credential = await this.#readCredential();
    const opened = networks.flatMap((text) => parseNetworks(text) ?? []);
    const headers = {
      accept: `${mediaType}, application/json`,
      ...(body === null ? {} : { 'content-type': mediaType }),
      ...(credential === null ? {} : { [credential.header]: credential.value }),
    };
    try {
      const address = new URL(`${url.replace(/\/+$/, '')}${path}`);
      return await exchange(
        { method, url: address, headers, body },
        { agent: this.#agent, networks: opened, exchangeMs, answerBytesMax },
      );
    } catch (error) {
      if (error instanceof AddressRefused)
        throw new PlatformError('registry-address-refused', `the registry ${url}: ${error.message}`, {
          ...{ fault: 'user', retry: 'no-retry', cause: error },
        });
      throw unavailable('registry', new Error(`${url}: ${this.#redact(messageOf(error))}`));
    }
  }

  async #readCredential(): Promise<Credential | null> {
    const { auth, tenant } = this.#target;
    if (auth === null) return null;
    try {
      this.#credential ??= await readCredential(this.#secrets, tenant, auth);
      this.#sent.set(this.#credential.value, this.#credential);
      return this.#credential;
    } catch (error) {
      if (!isPlatformError(error)) throw unavailable('registry', error);
      throw new PlatformError('registry-unauthorized', error.message, { fault: 'user', retry: 'retry', cause: error });
    }
  }
}

/** The registry's own word. An ingress says 404 too while the registry behind it is away, and then nothing is known. */
const isNotFound = ({ status, text }: Answered): boolean =>
  status === 404 && notFoundAnswer.safeParse(jsonOf(text)).success;

const unusable = (reason: string): PlatformError =>
  new PlatformError(schemaUnusable, `the registry’s schema cannot be used: ${reason}`, {
    ...{ fault: 'user', retry: 'no-retry' },
  });

const isUnauthorized = ({ status }: Answered): boolean => status === 401 || status === 403;

const bodyOf = ({ kind, text }: Pick<RegisteredSchema, 'kind' | 'text'>): string =>
  JSON.stringify(kind === 'avro' ? { schema: text } : { schema: text, schemaType: wireKinds[kind] });

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
