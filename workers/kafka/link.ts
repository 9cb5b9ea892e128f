// One connection to one broker that is made again when it breaks, with backoff; requests fail while it is down.

import { setTimeout as wait } from 'node:timers/promises';
import { Connection, type ConnectionOptions, Writer } from '@platformatic/kafka';
import { unavailable } from '#core/errors.ts';
import { backoffMs } from '#core/time/backoff.ts';

export interface Broker {
  readonly host: string;
  readonly port: number;
}

/** Bounds of every request: a broker that does not answer for this long counts as gone (half-open connections are noticed by it). */
const connectTimeoutMs = 5_000;
const requestTimeoutMs = 15_000;
const reconnect = { minMs: 50, maxMs: 1_000 };

/** An answer as the library hands it over: a list of pieces. */
interface Received {
  readonly buffer: { readonly buffers: Buffer[]; readonly length: number };
}

export class Link {
  readonly broker: Broker;
  readonly #clientId: string;
  readonly #options: ConnectionOptions;
  #connection: Promise<Connection> | null = null;
  #live: Connection | null = null;
  #failureCount = 0;
  #closed = false;

  constructor(broker: Broker, clientId: string, options: ConnectionOptions) {
    this.broker = broker;
    this.#clientId = clientId;
    this.#options = { connectTimeout: connectTimeoutMs, requestTimeout: requestTimeoutMs, ...options };
  }

  /**
   * Sends `pieces` as the request's body. Rejects when the broker cannot be reached or the connection breaks: the outcome
   * is then unknown. `gather` makes one piece of the answer as it came from the socket.
   */
  async request<Answer>(
    api: { readonly key: number; readonly version: number },
    pieces: readonly Buffer[],
    parse: (bytes: Buffer) => Answer,
    gather: (chunks: readonly Buffer[], length: number) => Buffer = Buffer.concat,
  ): Promise<Answer> {
    const connection = await this.#connected();
    return await new Promise<Answer>((resolve, reject) => {
      const payload = (): Writer => {
        const writer = Writer.create();
        for (const piece of pieces) writer.append(piece);
        return writer;
      };
      const parser = (_id: number, _key: number, _version: number, reader: Received): Answer =>
        parse(gather(reader.buffer.buffers, reader.buffer.length));
      connection.send(api.key, api.version, payload, parser, true, true, (error, answer) => {
        if (error) reject(unavailable('kafka', error));
        else resolve(answer as Answer);
      });
    });
  }

  /** One of the library's own API functions over this connection. Gives the answer even where it holds error codes. */
  async call<Answer>(
    ask: (connection: Connection, done: (error?: Error | null, answer?: Answer) => void) => void,
  ): Promise<Answer> {
    const connection = await this.#connected();
    return await new Promise<Answer>((resolve, reject) => {
      ask(connection, (error, answer) => {
        const held = error && 'response' in error ? (error.response as Answer | undefined) : answer;
        if (held !== undefined && held !== null) resolve(held);
        else reject(unavailable('kafka', error ?? new Error('an empty answer')));
      });
    });
  }

  /** Connects ahead of the first request, which would wait for it; that one says what is wrong if this fails. */
  open(): void {
    this.#connected().catch(() => {});
  }

  async close(): Promise<void> {
    this.#closed = true;
    const live = this.#live;
    this.#live = null;
    await live?.close().catch(() => {});
  }

  async #connected(): Promise<Connection> {
    if (this.#closed) throw unavailable('kafka', new Error('the connection is closed for good'));
    if (this.#live?.isConnected()) return this.#live;
    this.#connection ??= this.#connect().finally(() => {
      this.#connection = null;
    });
    return await this.#connection;
  }

  async #connect(): Promise<Connection> {
    if (this.#failureCount > 0) await wait(backoffMs(this.#failureCount, reconnect, Math.random()));
    this.#failureCount++;
    const connection = new Connection(this.#clientId, this.#options);
    connection.on('error', () => this.#drop(connection));
    connection.on('close', () => this.#drop(connection));
    try {
      await connection.connect(this.broker.host, this.broker.port);
    } catch (error) {
      throw unavailable(
        'kafka',
        new Error(`${this.broker.host}:${this.broker.port}: ${causeOf(error)}`, { cause: error }),
      );
    }
    if (this.#closed) {
      await connection.close().catch(() => {});
      throw unavailable('kafka', new Error('the connection is closed for good'));
    }
    this.#failureCount = 0;
    this.#live = connection;
    return connection;
  }

  #drop(connection: Connection): void {
    if (this.#live === connection) this.#live = null;
  }
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.message : error.message;
}
