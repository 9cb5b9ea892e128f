// Where a sink may write to, by the text alone: a table of spellings that have fooled others.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { classOf, type Network, parseAddress, parseNetworks, refuseAddress } from '#core/network/address.ts';
import { readTargetUrl, refuseTarget } from '#core/network/target-url.ts';

const loopback = parseNetworks('loopback')!;

function isRefused(url: string, opened: readonly Network[] = []): boolean {
  const read = readTargetUrl(url);
  return !read.ok || refuseTarget(read.value, opened) !== null;
}

const refusedUrls = [
  // Loopback, in every spelling that a resolver understands.
  ...['https://127.0.0.1/', 'https://127.0.0.1.', 'https://127.1/', 'https://127.0.1/', 'https://127.255.255.254/'],
  ...[
    'https://0177.0.0.1/',
    'https://0x7f.0.0.1/',
    'https://0x7f000001/',
    'https://2130706433/',
    'https://017700000001/',
  ],
  ...[
    'https://0x7f.1/',
    'https://127.0x0.0.1/',
    'https://①②⑦.0.0.1/',
    'https://127。0。0。1/',
    'https://%31%32%37.0.0.1/',
  ],
  ...['https://localhost/', 'https://LOCALHOST/', 'https://localhost./', 'https://a.localhost/', 'https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/'],
  ...['https://[::1]/', 'https://[0:0:0:0:0:0:0:1]/', 'https://[0000::0001]/', 'https://[::127.0.0.1]/'],
  ...['https://[::ffff:127.0.0.1]/', 'https://[::ffff:7f00:1]/', 'https://[0:0:0:0:0:ffff:7f00:0001]/'],
  // Private networks.
  ...[
    'https://10.0.0.1/',
    'https://10.255.255.255/',
    'https://172.16.0.1/',
    'https://172.31.255.255/',
    'https://192.168.0.1/',
  ],
  ...[
    'https://0xa.0.0.1/',
    'https://167772161/',
    'https://192.168.257/',
    'https://100.64.0.1/',
    'https://100.127.255.255/',
  ],
  ...['https://[fc00::1]/', 'https://[fd12:3456:789a::1]/', 'https://[::ffff:10.0.0.1]/', 'https://[::ffff:c0a8:1]/'],
  // Metadata services and credentials of tasks.
  ...['https://169.254.169.254/latest/meta-data/', 'https://169.254.170.2/v2/credentials', 'https://2852039166/'],
  ...['https://0xa9fea9fe/', 'https://0251.0376.0251.0376/', 'https://169.254.43518/', 'https://[fd00:ec2::254]/'],
  ...['https://[::ffff:169.254.169.254]/', 'https://[64:ff9b::169.254.169.254]/', 'https://[2002:a9fe:a9fe::1]/'],
  ...[
    'https://metadata.google.internal/',
    'https://100.100.100.200/',
    'https://168.63.129.16/',
    'https://192.0.0.192/',
  ],
  // Not unicast, not global, or not there.
  ...[
    'https://0.0.0.0/',
    'https://0/',
    'https://[::]/',
    'https://224.0.0.1/',
    'https://255.255.255.255/',
    'https://240.0.0.1/',
  ],
  ...[
    'https://[fe80::1]/',
    'https://[ff02::1]/',
    'https://[2001:db8::1]/',
    'https://192.0.2.1/',
    'https://198.18.0.1/',
  ],
  ...['https://[2001::1]/', 'https://[2002:7f00:1::]/', 'https://[64:ff9b:1::1]/', 'https://[5f00::1]/'],
  // Other schemes, other ports, credentials, secrets in the query, plain HTTP.
  ...[
    'file:///etc/passwd',
    'gopher://example.com/',
    'ftp://example.com/',
    'javascript:alert(1)',
    '//example.com/',
    'example.com',
  ],
  ...[
    'https://user:pass@example.com/',
    'https://example.com@127.0.0.1/',
    'https://user@example.com/',
    'http://example.com/',
  ],
  ...[
    'https://example.com:22/',
    'https://example.com:25/',
    'https://example.com/#part',
    'https://example.com/?api_key=1',
  ],
  ...[
    'https://example.com/?X-Amz-Signature=1',
    'https://',
    'https://exa mple.com/',
    'https://256.256.256.256/',
    'http://8.8.8.8/',
  ],
];

const acceptedUrls = [
  ...[
    'https://example.com/',
    'https://example.com:8443/events?from=millrace',
    'https://EXAMPLE.com./',
    'https://8.8.8.8/',
  ],
  ...[
    'https://[2606:4700:4700::1111]/',
    'https://xn--bcher-kva.example/',
    'https://bücher.example/',
    'https://127.0.0.1.example.com/',
  ],
  ...[
    'https://localhost.example.com/',
    'https://172.32.0.1/',
    'https://100.128.0.1/',
    'https://192.169.0.1/',
    'https://[64:ff9b::8.8.8.8]/',
  ],
];

describe('a URL that a sink may not write to', () => {
  test('there are 60 spellings at the least', () => {
    expect(new Set(refusedUrls).size).toBeGreaterThanOrEqual(60);
  });
  test.each(refusedUrls)('%s', (url) => expect(isRefused(url)).toBe(true));
});

describe('a URL that a sink may write to', () => {
  test.each(acceptedUrls)('%s', (url) => expect(isRefused(url)).toBe(false));
});

describe('networks that the platform opens', () => {
  test('open loopback, also by name and without TLS, and nothing else', () => {
    for (const url of [
      'http://127.0.0.1:9200/',
      'http://localhost:9200/',
      'http://[::1]:9200/',
      'http://[::ffff:127.0.0.1]/',
    ])
      expect(isRefused(url, loopback)).toBe(false);
    for (const url of ['http://10.0.0.1/', 'http://169.254.169.254/', 'http://0.0.0.0/', 'http://example.com/'])
      expect(isRefused(url, loopback)).toBe(true);
  });
  test('never open metadata services, link-local or reserved addresses', () => {
    const all = [...parseNetworks('0.0.0.0/0')!, ...parseNetworks('::/0')!];
    for (const address of [
      '169.254.169.254',
      '169.254.170.2',
      'fd00:ec2::254',
      'fe80::1',
      '0.0.0.0',
      '::',
      '::ffff:169.254.169.254',
    ])
      expect(refuseAddress(address, all)).not.toBeNull();
    expect(refuseAddress('10.1.2.3', all)).toBeNull();
  });
  test.each(['10.0.0.0/33', '10.0.0/8', 'ten', '10.0.0.0/8/8', '::/129', ''])('%j is none', (text) =>
    expect(parseNetworks(text)).toBeNull(),
  );
});

describe('addresses', () => {
  const octet = fc.integer({ min: 0, max: 255 });
  test('an IPv4 address has the same class, whichever IPv6 address carries it', () => {
    fc.assert(
      fc.property(octet, octet, octet, octet, (a, b, c, d) => {
        const plain = classOf(parseAddress(`${a}.${b}.${c}.${d}`)!);
        const hex = [(a << 8) | b, (c << 8) | d].map((group) => group.toString(16)).join(':');
        expect(classOf(parseAddress(`::ffff:${a}.${b}.${c}.${d}`)!)).toBe(plain);
        expect(classOf(parseAddress(`::ffff:${hex}`)!)).toBe(plain);
        expect(classOf(parseAddress(`64:ff9b::${hex}`)!)).toBe(plain);
        expect(classOf(parseAddress(`2002:${hex}::`)!)).toBe(plain);
      }),
    );
  });
  test('any text is an address of 4 or 16 bytes, or none', () => {
    const text = fc.string({ unit: fc.constantFrom(...'0123456789abcf:.%/') });
    fc.assert(fc.property(text, (typed) => [4, 16, undefined].includes(parseAddress(typed)?.length)));
  });
});
