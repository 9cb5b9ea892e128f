// The other side of AWS SigV4, written from its specification and not by what signs: is a request signed by whoever knows the key?
import { createHash, createHmac } from 'node:crypto';
import { createRequestSigner } from '#adapters/sigv4/request-signer.ts';

export const testKeys = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
} as const;
export const testRegion = 'us-east-1';

export const testSigner = createRequestSigner({ region: testRegion, credentials: testKeys, now: Date.now });

export interface SeenRequest {
  readonly method: string;
  /** As it stood in the request's first line. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Uint8Array;
}

/** Service and region that it was signed for; or what is wrong with it. */
export function verifySignature(request: SeenRequest, secretAccessKey: string): { service: string; region: string } {
  const { headers } = request;
  const shape =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;
  const match = shape.exec(headers['authorization'] ?? '');
  if (match === null) throw new Error(`no signature of AWS: ${headers['authorization']}`);
  const [, , day, region, service, names, signature] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const signed = names.split(';');
  for (const needed of ['host', 'x-amz-date'])
    if (!signed.includes(needed)) throw new Error(`${needed} is not signed, only ${names}`);
  const at = headers['x-amz-date'] ?? '';
  if (!at.startsWith(day)) throw new Error(`signed on ${at}, for ${day}`);
  const scope = `${day}/${region}/${service}/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', at, scope, sha256(canonical(request, signed))].join('\n');
  const key = [day, region, service, 'aws4_request'].reduce<Buffer>(hmac, Buffer.from(`AWS4${secretAccessKey}`));
  const expected = hmac(key, text).toString('hex');
  if (expected !== signature) throw new Error(`the signature is ${signature}, expected ${expected}`);
  return { service, region };
}

function canonical({ method, path, headers, bytes }: SeenRequest, signed: readonly string[]): string {
  const [rawPath, rawQuery = ''] = path.split('?') as [string, string?];
  const payload = sha256(bytes);
  const stated = headers['x-amz-content-sha256'];
  if (stated !== undefined && stated !== payload)
    throw new Error(`the body's hash is ${payload}, the header says ${stated}`);
  const pairs = rawQuery === '' ? [] : rawQuery.split('&').map((pair) => pair.split('=').map(decodeURIComponent));
  const query = pairs
    .map(([name = '', value = '']) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');
  const lines = signed.map((name) => `${name}:${(headers[name] ?? '').trim().replace(/ +/g, ' ')}\n`).join('');
  return [method, rawPath.split('/').map(encode).join('/'), query, lines, signed.join(';'), payload].join('\n');
}

/** RFC 3986: everything but the unreserved characters. */
const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');
const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
