// Which network an IP address lies in, by its text alone: whether a worker may connect to what somebody named.

/**
 * `internal`: metadata services, link-local, unspecified, multicast and reserved addresses, which no setting opens.
 * `loopback` and `private` can be opened by the platform's own list of networks.
 */
export type AddressClass = 'public' | 'loopback' | 'private' | 'internal';

/** Four or sixteen bytes. */
export type Address = readonly number[];

/** Addresses with the same leading bits. */
export interface Network {
  readonly text: string;
  readonly address: Address;
  readonly bits: number;
}

/** Dotted decimal, or RFC 4291 without a zone; null for any other text. URLs give hosts in these forms, whatever was typed. */
export function parseAddress(text: string): Address | null {
  return text.includes(':') ? parseVersion6(text) : parseVersion4(text);
}

function parseVersion4(text: string): Address | null {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  const bytes = match?.slice(1).map(Number);
  return bytes?.every((byte) => byte <= 255) ? bytes : null;
}

function parseVersion6(text: string): Address | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const [head, tail] = halves.map((half) => (half === '' ? [] : groupsOf(half)));
  if (head === null || head === undefined || tail === null) return null;
  const missing = 16 - head.length - (tail?.length ?? 0);
  if (tail === undefined) return missing === 0 ? head : null;
  return missing < 2 ? null : [...head, ...Array<number>(missing).fill(0), ...tail];
}

function groupsOf(text: string): number[] | null {
  const bytes: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    const last = index === parts.length - 1 ? parseVersion4(part) : null;
    if (last !== null) bytes.push(...last);
    else if (/^[0-9a-f]{1,4}$/i.test(part)) bytes.push(Number.parseInt(part, 16) >> 8, Number.parseInt(part, 16) & 255);
    else return null;
  }
  return bytes.length > 16 ? null : bytes;
}

/** `10.0.0.0/8`, a single address, or the word `loopback`; null for any other text. */
export function parseNetworks(text: string): readonly Network[] | null {
  if (text === 'loopback') return loopback;
  const [addressText = '', bitsText, ...more] = text.split('/');
  const address = parseAddress(addressText);
  if (address === null || more.length > 0) return null;
  const bitsMax = address.length * 8;
  const bits = bitsText === undefined ? bitsMax : /^\d{1,3}$/.test(bitsText) ? Number(bitsText) : -1;
  return bits < 0 || bits > bitsMax ? null : [{ text, address, bits }];
}

const network = (text: string): Network => parseNetworks(text)![0]!;
const loopback = [network('127.0.0.0/8'), network('::1/128')];

export function isIn({ address: base, bits }: Network, address: Address): boolean {
  if (base.length !== address.length) return false;
  return base.every((byte, index) => {
    const own = Math.min(8, Math.max(0, bits - index * 8));
    const mask = (0xff00 >> own) & 0xff;
    return (byte & mask) === (address[index]! & mask);
  });
}

/** The IANA special-purpose registries, and metadata services that lie outside of them; the first that holds decides. */
const version4: readonly (readonly [Network, AddressClass])[] = [
  [network('127.0.0.0/8'), 'loopback'],
  // Alibaba's, Oracle's and Azure's metadata services; the others' are link-local.
  [network('100.100.100.200'), 'internal'],
  [network('192.0.0.192'), 'internal'],
  [network('168.63.129.16'), 'internal'],
  [network('10.0.0.0/8'), 'private'],
  [network('100.64.0.0/10'), 'private'],
  [network('172.16.0.0/12'), 'private'],
  [network('192.168.0.0/16'), 'private'],
  [network('0.0.0.0/8'), 'internal'],
  [network('169.254.0.0/16'), 'internal'],
  [network('192.0.0.0/24'), 'internal'],
  [network('192.0.2.0/24'), 'internal'],
  [network('192.88.99.0/24'), 'internal'],
  [network('198.18.0.0/15'), 'internal'],
  [network('198.51.100.0/24'), 'internal'],
  [network('203.0.113.0/24'), 'internal'],
  [network('224.0.0.0/3'), 'internal'],
];

const version6: readonly (readonly [Network, AddressClass])[] = [
  [network('::1/128'), 'loopback'],
  // The metadata services of AWS lie in what is private else.
  [network('fd00:ec2::/32'), 'internal'],
  [network('fd20:ce::254'), 'internal'],
  [network('fc00::/7'), 'private'],
  [network('2001::/23'), 'internal'],
  [network('2001:db8::/32'), 'internal'],
  [network('3fff::/20'), 'internal'],
  [network('2000::/3'), 'public'],
];

/** Addresses that carry an IPv4 address: mapped, compatible, NAT64, 6to4. Where it begins, in bytes. */
const carriers: readonly (readonly [Network, number])[] = [
  [network('::ffff:0:0/96'), 12],
  [network('64:ff9b::/96'), 12],
  [network('2002::/16'), 2],
  [network('::/96'), 12],
];

export function classOf(address: Address): AddressClass {
  if (address.length === 4) return version4.find(([range]) => isIn(range, address))?.[1] ?? 'public';
  const own = version6.find(([range]) => isIn(range, address))?.[1];
  if (own !== undefined && own !== 'public') return own;
  const carrier = carriers.find(([range]) => isIn(range, address));
  if (carrier !== undefined) return classOf(address.slice(carrier[1], carrier[1] + 4));
  return own ?? 'internal';
}

/** Why nothing may connect there, or null where it may. */
export function refuseAddress(text: string, opened: readonly Network[]): string | null {
  const address = parseAddress(text);
  if (address === null) return `${JSON.stringify(text)} is no IP address`;
  const found = classOf(address);
  if (found === 'public') return null;
  if (found !== 'internal' && opened.some((range) => isIn(range, plain(address)))) return null;
  return `${text} is ${words[found]}`;
}

/** A mapped address is the IPv4 address that it carries. */
const plain = (address: Address): Address =>
  address.length === 16 && isIn(carriers[0]![0], address) ? address.slice(12) : address;

const words: Readonly<Record<Exclude<AddressClass, 'public'>, string>> = {
  loopback: 'a loopback address, which is not opened on this platform',
  private: 'a private address, which is not opened on this platform',
  internal: 'a link-local, metadata or reserved address, which is never connected to',
};
