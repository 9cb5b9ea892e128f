// Who asks, as a gateway wants it shown: a token, or on an API that takes AWS identities a signature by the keys in the environment.
import { CommandError, exitCodes } from '#cli/exit.ts';
import { type Environment, readAwsAccess } from '#core/environment.ts';
import { environment } from '#core/names.ts';

export interface ProvenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | undefined;
}

const gatewayHost = /\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$/;
const loopback = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Headers to be added; none where nothing is set and nobody signs. A token goes over TLS or stays on this machine. */
export async function proveIdentity(from: Environment, request: ProvenRequest): Promise<Record<string, string>> {
  const { protocol, hostname, host, pathname, search } = new URL(request.url);
  const token = from[environment.apiToken];
  if (token !== undefined && token !== '') {
    if (protocol === 'https:' || loopback.has(hostname)) return { authorization: `Bearer ${token}` };
    throw new CommandError(exitCodes.usage, `${environment.apiToken} is not sent to ${host} without TLS`, {
      fix: 'take the https:// address of the API',
    });
  }
  const region = gatewayHost.exec(hostname)?.[1];
  const { AWS_SESSION_TOKEN: sessionToken, ...access } = from;
  const { credentials } = readAwsAccess(access);
  if (region === undefined || credentials === undefined) return {};
  const keys = { ...credentials, ...(sessionToken === undefined ? {} : { sessionToken }) };
  // Most commands sign nothing, and need not wait for what does.
  const { createRequestSigner } = await import('#adapters/sigv4/request-signer.ts');
  const signer = createRequestSigner({ region, credentials: keys, now: Date.now });
  const { method, headers, body } = request;
  const bytes = body === undefined ? null : typeof body === 'string' ? Buffer.from(body) : body;
  const asked = { method, host, path: `${pathname}${search}`, headers, body: bytes };
  return await signer.sign(asked, { scheme: 'aws', service: 'execute-api', region });
}
