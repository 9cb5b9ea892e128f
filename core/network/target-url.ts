// URLs that a sink writes to: what may be declared, judged by the text, before any name is looked up.
import { type Network, parseAddress, parseNetworks, refuseAddress } from '#core/network/address.ts';
import { ok, type Result, refuse } from '#core/result.ts';

export const targetUrlCharsMax = 2_048;

export interface UrlProblem {
  readonly message: string;
  readonly fix: string;
}

/** Ports below 1024 are other protocols' but for these. */
const webPorts = ['', '80', '443'];
/** A query by these names carries a secret, which must not stand in a declaration. */
const secretNames = /(^|[-_.])(token|key|apikey|secret|password|passwd|pwd|sig|signature|auth|credential)s?$/i;

/** What holds on every platform. The normal form of the URL. */
export function readTargetUrl(text: string): Result<string, UrlProblem> {
  const expected = 'expected a URL such as https://search.example.com';
  if (!URL.canParse(text))
    return wrong(`got ${JSON.stringify(text)}, ${expected}`, 'write the whole URL, https:// first');
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    return wrong(`got ${url.protocol}//, ${expected}`, 'use https');
  if (url.username !== '' || url.password !== '')
    return wrong(
      'the URL carries a user or a password',
      'take them out, and name a secret: `auth: { secret: <name> }`',
    );
  if (url.hash !== '') return wrong(`got a fragment (${url.hash}), which is never sent`, 'leave it out');
  const secret = [...url.searchParams.keys()].find((name) => secretNames.test(name));
  if (secret !== undefined)
    return wrong(
      `the query parameter ${JSON.stringify(secret)} looks like a secret, which must not stand in a declaration`,
      'name a secret instead: `auth: { secret: <name> }`',
    );
  if (!webPorts.includes(url.port) && Number(url.port) < 1_024)
    return wrong(`got port ${url.port}, expected 443, 80 or one from 1024`, 'serve the target on such a port');
  const address = parseAddress(hostOf(url));
  const never = address === null ? namedNever(hostOf(url)) : refuseAddress(hostOf(url), everything);
  if (never !== null) return wrong(never, 'name a host on the public internet');
  return ok(url.href);
}

/** What depends on the networks that this platform opens. */
export function refuseTarget(url: string, opened: readonly Network[]): UrlProblem | null {
  const { protocol } = new URL(url);
  const host = hostOf(new URL(url));
  const address = isLocalName(host) ? '127.0.0.1' : parseAddress(host) === null ? null : host;
  const refused = address === null ? null : refuseAddress(address, opened);
  if (refused !== null)
    return {
      message: address === host ? refused : `${host}: ${refused}`,
      fix: 'name a host on the public internet; or have whoever runs the platform open the network (MILLRACE_SINK_NETWORKS)',
    };
  if (protocol === 'http:' && (address === null || refuseAddress(address, []) === null))
    return { message: `got ${url}, expected https: without it anybody on the way reads the events`, fix: 'use https' };
  return null;
}

/** As it is connected to: without brackets, or the dot that ends a full name. */
export const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');

const isLocalName = (host: string): boolean => host === 'localhost' || host.endsWith('.localhost');

const metadataNames = [
  'metadata.google.internal',
  'metadata.goog',
  'metadata',
  'instance-data',
  'instance-data.ec2.internal',
];

const namedNever = (host: string): string | null =>
  metadataNames.includes(host) ? `${host} is a metadata service, which is never connected to` : null;

const everything = [...parseNetworks('0.0.0.0/0')!, ...parseNetworks('::/0')!];

const wrong = (message: string, fix: string): Result<never, UrlProblem> => refuse({ message, fix });
