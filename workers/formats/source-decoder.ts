// The source's records to JSON, with the schemas that they name fetched as they turn up; while one cannot be had, they wait.
import { setTimeout as wait } from 'node:timers/promises';
import { isPlatformError, messageOf } from '#core/errors.ts';
import type { FormatFault } from '#core/formats/format-fault.ts';
import { type Decoded, RecordDecoder } from '#core/formats/record-decoder.ts';
import type { FormatGoal } from '#core/job/format-goal.ts';
import { type RegisteredSchema, type SchemaRegistry, schemaUnusable } from '#core/ports/schema-registry.ts';
import { backoffMs } from '#core/time/backoff.ts';

export interface SourceDecoderHooks {
  /** `pauseMs`: until it is tried again. */
  readonly onTrouble: (code: string, message: string, pauseMs: number) => void;
  readonly monotonicMs: () => number;
}

const retry = { minMs: 100, maxMs: 10_000 };
/** An id that the registry does not know may be younger than what it was asked: it is asked once more. */
const askAgainMs = 1_000;
/** And after this long again, should records still name it. */
const unknownKeptMs = 60_000;
/** Bytes that are no schema's id at all look like many ids: only so many are waited for at a time. */
const waitedForMax = 5;

export class SourceDecoder {
  readonly #decoder: RecordDecoder;
  readonly #registry: SchemaRegistry;
  readonly #hooks: SourceDecoderHooks;
  /** Unknown to the registry, and when that was found. */
  readonly #unknown = new Map<number, number>();
  #fetching: Promise<void> | null = null;
  #isUnreachable = false;
  #closed = false;

  constructor(goal: FormatGoal, registry: SchemaRegistry, hooks: SourceDecoderHooks) {
    this.#decoder = new RecordDecoder(goal);
    this.#registry = registry;
    this.#hooks = hooks;
  }

  /** After `missing` ask `room`, then decode the record again. */
  decode(bytes: Uint8Array, start: number, end: number): Decoded {
    if (this.#unknown.size > 0) this.#forgetOld();
    const decoded = this.#decoder.decode(bytes, start, end);
    if (decoded === 'missing') this.#fetch(this.#decoder.missingId);
    return decoded;
  }

  get out() {
    return this.#decoder.out;
  }

  get fault(): FormatFault | null {
    return this.#decoder.fault;
  }

  /** The registry is the reason that nothing moves. */
  get isRefused(): boolean {
    return this.#isUnreachable;
  }

  /** Null when records can be decoded; else resolves when that may be. */
  room(): Promise<void> | null {
    return this.#fetching;
  }

  close(): void {
    this.#closed = true;
    this.#registry.close();
  }

  #fetch(id: number): void {
    this.#fetching ??= this.#learn(id)
      .catch((error: unknown) => this.#hooks.onTrouble('registry-unavailable', messageOf(error), 0))
      .finally(() => {
        this.#fetching = null;
      });
  }

  /** As long as it takes: that the registry is down is no fault of the records. */
  async #learn(id: number): Promise<void> {
    for (let failureCount = 0; !this.#closed; ) {
      try {
        const found = await this.#ask(id);
        this.#isUnreachable = false;
        if (found === null) this.#unknown.set(id, this.#hooks.monotonicMs());
        this.#decoder.learn(id, found);
        return;
      } catch (error) {
        if (isPlatformError(error) && error.code === schemaUnusable) {
          this.#isUnreachable = false;
          this.#decoder.refuse(id, error.message);
          return;
        }
        failureCount++;
        this.#isUnreachable = true;
        const code = isPlatformError(error) ? error.code : 'registry-unavailable';
        const pauseMs = backoffMs(failureCount, retry, Math.random());
        this.#hooks.onTrouble(code, `schema ${id}: ${messageOf(error)}; records that name it wait`, pauseMs);
        await wait(pauseMs);
      }
    }
  }

  async #ask(id: number): Promise<RegisteredSchema | null> {
    const found = await this.#registry.byId(id);
    if (found !== null || this.#unknown.size >= waitedForMax) return found;
    await wait(askAgainMs);
    return await this.#registry.byId(id);
  }

  #forgetOld(): void {
    const before = this.#hooks.monotonicMs() - unknownKeptMs;
    for (const [id, foundAt] of this.#unknown) {
      if (foundAt > before) return;
      this.#unknown.delete(id);
      this.#decoder.forget(id);
    }
  }
}
