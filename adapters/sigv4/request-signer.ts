// AWS SigV4 by Smithy's signer, with Node's own SHA-256 and the credentials that the program has.
import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import { PlatformError } from '#core/errors.ts';
import type { RequestSigner, SignableRequest } from '#core/ports/request-signer.ts';
import type { SignedService } from '#core/spec/sinks/auth.ts';

export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface SignerOptions {
  readonly region: string;
  /** Undefined: there are none. */
  readonly credentials: AwsKeys | (() => Promise<AwsKeys>) | undefined;
  readonly now: () => number;
}

/** Proxies and load balancers write these anew, or add them. */
const unsigned: ReadonlySet<string> = new Set(['accept', 'accept-encoding', 'content-length']);

export function createRequestSigner({ region, credentials, now }: SignerOptions): RequestSigner {
  const signers = new Map<string, SignatureV4>();
  const signerFor = (service: SignedService, at: string): SignatureV4 => {
    if (credentials === undefined)
      throw new PlatformError('credentials-missing', 'the worker has no AWS credentials to sign requests with', {
        ...{ fault: 'external', retry: 'retry' },
      });
    const name = `${service} ${at}`;
    const known = signers.get(name) ?? new SignatureV4({ service, region: at, credentials, sha256: Sha256 });
    signers.set(name, known);
    return known;
  };
  return {
    sign: async (request, auth) => {
      const signer = signerFor(auth.service, auth.region ?? region);
      const { headers } = await signer.sign(described(request), {
        signingDate: new Date(now()),
        unsignableHeaders: new Set(unsigned),
      });
      const added = Object.entries(headers).filter(([name]) => !(name in request.headers) && name !== 'host');
      return Object.fromEntries(added);
    },
  };
}

function described({ method, host, path, headers, body }: SignableRequest) {
  const [pathname = '', text = ''] = path.split('?');
  const query: Record<string, string[]> = {};
  for (const pair of text === '' ? [] : text.split('&')) {
    const [name = '', value = ''] = pair.split('=').map(decodeURIComponent);
    query[name] = [...(query[name] ?? []), value];
  }
  return {
    ...{ method, protocol: 'https:', hostname: host, path: pathname, query },
    headers: { ...headers, host },
    body: body ?? '',
  };
}

/** As Smithy wants its hashes. */
class Sha256 {
  readonly #secret: Data | undefined;
  #hash: Hash | Hmac;

  constructor(secret?: Data) {
    this.#secret = secret;
    this.#hash = this.#begin();
  }

  update(data: Data): void {
    this.#hash.update(bytesOf(data));
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {
    this.#hash = this.#begin();
  }

  #begin(): Hash | Hmac {
    return this.#secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(this.#secret));
  }
}

type Data = string | ArrayBuffer | ArrayBufferView;

function bytesOf(data: Data): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}
