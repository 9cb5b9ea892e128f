// One request to a registry and its answer: pinned addresses, a deadline, a bounded body, no redirects.
import { lookup } from 'node:dns';
import { type Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { type Network, parseAddress, refuseAddress } from '#core/network/address.ts';
import { AddressRefused, pinnedLookup, type Resolve } from '#core/network/pinned-lookup.ts';
import { hostOf } from '#core/network/target-url.ts';

export interface ExchangeOptions {
  readonly agent: HttpAgent;
  readonly networks: readonly Network[];
  readonly exchangeMs: number;
  readonly answerBytesMax: number;
}

export interface Asked {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

export interface Answered {
  readonly status: number;
  readonly text: string;
}

const systemResolve: Resolve = (host) =>
  new Promise((resolve, reject) => {
    lookup(host, { all: true }, (error, addresses) => (error === null ? resolve(addresses) : reject(error)));
  });

/** Throws AddressRefused, or whatever went wrong on the way. */
export async function exchange(asked: Asked, options: ExchangeOptions): Promise<Answered> {
  const { url, method, headers, body } = asked;
  const host = hostOf(url);
  const refused = parseAddress(host) === null ? null : refuseAddress(host, options.networks);
  if (refused !== null) throw new AddressRefused(refused);
  const signal = AbortSignal.timeout(options.exchangeMs);
  const request: RequestOptions = {
    ...{ agent: options.agent, host, port: url.port, method, path: `${url.pathname}${url.search}`, signal },
    headers: { ...headers, ...(body === null ? {} : { 'content-length': String(Buffer.byteLength(body)) }) },
    lookup: pinnedLookup(options.networks, systemResolve),
  };
  return await new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const sent = send(request, (answer) => {
      readBody(answer, options.answerBytesMax).then(
        (text) => resolve({ status: answer.statusCode ?? 0, text }),
        (error: unknown) => reject(error as Error),
      );
    });
    sent.on('error', (error) => {
      reject(signal.aborted ? new Error(`no answer within ${options.exchangeMs} ms`) : error);
    });
    sent.end(body ?? undefined);
  });
}

async function readBody(answer: IncomingMessage, bytesMax: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesMax) {
      answer.destroy();
      throw new Error(`the answer has more than ${bytesMax} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
