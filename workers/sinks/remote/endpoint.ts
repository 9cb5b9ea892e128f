// One HTTP(S) address that a sink writes to: kept connections, pinned addresses, a deadline for each exchange, no redirects.
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { messageOf } from '#core/errors.ts';
import { type Network, parseAddress, refuseAddress } from '#core/network/address.ts';
import { AddressRefused, pinnedLookup, type Resolve, resolveChecked } from '#core/network/pinned-lookup.ts';
import { retryAfterMs } from '#core/network/retry-after.ts';
import { hostOf } from '#core/network/target-url.ts';
import type { SignableRequest } from '#core/ports/request-signer.ts';
import type { Proof } from './proof.ts';

export interface EndpointOptions {
  readonly url: string;
  /** Beside the public internet. */
  readonly networks: readonly Network[];
  readonly connectionsMax: number;
  /** From asking to the end of the answer. */
  readonly exchangeMs: number;
  readonly answerBytesMax: number;
  readonly resolve: Resolve;
  readonly now: () => number;
}

export interface Outgoing {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
}

export interface Answer {
  readonly kind: 'answer';
  readonly status: number;
  /** What `Retry-After` asks for; null where it says nothing. */
  readonly retryAfterMs: number | null;
  readonly body: Buffer;
  /** The answer was longer than we read. */
  readonly isCut: boolean;
}

/** Whether what was sent took effect is not known. */
export interface NoAnswer {
  readonly kind: 'no-answer';
  readonly code: 'sink-unavailable' | 'sink-address-refused';
  readonly message: string;
}

const idleMs = 30_000;

export class Endpoint {
  readonly #options: EndpointOptions;
  readonly #url: URL;
  readonly #agent: HttpAgent | HttpsAgent;
  readonly #underWay = new Set<AbortController>();

  constructor(options: EndpointOptions) {
    this.#options = options;
    this.#url = new URL(options.url);
    const Agent = this.#url.protocol === 'https:' ? HttpsAgent : HttpAgent;
    this.#agent = new Agent({ keepAlive: true, maxSockets: options.connectionsMax, timeout: idleMs });
  }

  /** Throws while the host has no address, or one that nothing may connect to. */
  async find(): Promise<void> {
    const { networks, resolve } = this.#options;
    const host = hostOf(this.#url);
    const refused = this.#refuseLiteral();
    if (refused !== null) throw new AddressRefused(refused);
    if (parseAddress(host) === null) await resolveChecked(host, networks, resolve);
  }

  /** Never throws. A connection that the other side closed while it was idle is no failure: the exchange is made anew. */
  async exchange(outgoing: Outgoing, proof: Proof | null): Promise<Answer | NoAnswer> {
    const refused = this.#refuseLiteral();
    if (refused !== null) return { kind: 'no-answer', code: 'sink-address-refused', message: refused };
    const first = await this.#attempt(outgoing, proof);
    if (first !== 'stale') return first;
    const second = await this.#attempt(outgoing, proof);
    return second === 'stale' ? unavailable('the connection was closed before an answer came') : second;
  }

  close(): void {
    for (const controller of this.#underWay) controller.abort();
    this.#agent.destroy();
  }

  #refuseLiteral(): string | null {
    const host = hostOf(this.#url);
    return parseAddress(host) === null ? null : refuseAddress(host, this.#options.networks);
  }

  async #attempt(outgoing: Outgoing, proof: Proof | null): Promise<Answer | NoAnswer | 'stale'> {
    const controller = new AbortController();
    this.#underWay.add(controller);
    const { exchangeMs } = this.#options;
    const deadline = setTimeout(() => controller.abort(new Error(`no answer within ${exchangeMs} ms`)), exchangeMs);
    try {
      const request = this.#describe(outgoing);
      const shown = await proof?.headersFor(request);
      const answer = await this.#send({ ...request, headers: { ...request.headers, ...shown } }, controller.signal);
      return proof === null ? answer : { ...answer, body: cleaned(answer.body, proof) };
    } catch (error) {
      if (error instanceof StaleConnection) return 'stale';
      const cause: unknown = controller.signal.aborted ? controller.signal.reason : error;
      if (cause instanceof AddressRefused)
        return { kind: 'no-answer', code: 'sink-address-refused', message: cause.message };
      const message = messageOf(cause);
      return unavailable(`${this.#url.host}: ${proof === null ? message : proof.redact(message)}`);
    } finally {
      clearTimeout(deadline);
      this.#underWay.delete(controller);
    }
  }

  /** All of it but what shows who we are. */
  #describe({ method, path, headers, body }: Outgoing): SignableRequest {
    const { host } = this.#url;
    return {
      ...{ method, host, path, body },
      headers: {
        'user-agent': 'millrace',
        accept: 'application/json, */*;q=0.1',
        'accept-encoding': 'identity',
        ...(body === null ? {} : { 'content-length': String(body.length) }),
        ...headers,
      },
    };
  }

  #send({ method, host, path, headers, body }: SignableRequest, signal: AbortSignal): Promise<Answer> {
    const { networks, resolve } = this.#options;
    const options: RequestOptions = {
      agent: this.#agent,
      host: hostOf(this.#url),
      port: this.#url.port,
      lookup: pinnedLookup(networks, resolve),
      ...{ method, path, signal },
      headers: { host, ...headers },
    };
    return new Promise((done, fail) => {
      const request = (this.#url.protocol === 'https:' ? httpsRequest : httpRequest)(options, (response) => {
        this.#read(response).then(done, fail);
      });
      request.on('error', (error: NodeJS.ErrnoException) => {
        const isStale = request.reusedSocket && ['ECONNRESET', 'EPIPE'].includes(error.code ?? '');
        fail(isStale && !signal.aborted ? new StaleConnection() : error);
      });
      // Answered by `101`, which nobody asked for: the connection would be another protocol's from here on.
      request.on('upgrade', (_response, socket) => {
        socket.destroy();
        fail(new Error('it answers 101 Switching Protocols, which was not asked for'));
      });
      // Whatever becomes of the connection, nothing waits beyond the deadline.
      signal.addEventListener('abort', () => fail(signal.reason), { once: true });
      request.end(body ?? undefined);
    });
  }

  async #read(response: IncomingMessage): Promise<Answer> {
    const { answerBytesMax, now } = this.#options;
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      length += chunk.length;
      // Leaving the loop closes the connection.
      if (length > answerBytesMax) break;
    }
    if (length <= answerBytesMax && !response.complete) throw new Error('the connection was cut within the answer');
    return {
      kind: 'answer',
      status: response.statusCode ?? 0,
      retryAfterMs: retryAfterMs(response.headers['retry-after'], now()),
      body: Buffer.concat(chunks, Math.min(length, answerBytesMax)),
      isCut: length > answerBytesMax,
    };
  }
}

/** Before anything of it is cut, quoted or parsed: an answer may repeat what it was sent. Byte by byte, whatever its encoding. */
function cleaned(body: Buffer, proof: Proof): Buffer {
  const text = body.toString('latin1');
  const clean = proof.redact(text);
  return clean === text ? body : Buffer.from(clean, 'latin1');
}

class StaleConnection extends Error {
  override readonly name = 'StaleConnection';
}

const unavailable = (message: string): NoAnswer => ({ kind: 'no-answer', code: 'sink-unavailable', message });
