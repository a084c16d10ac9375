import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rangesOf } from './address.ts';
import { clientAddress } from './client-address.ts';

const TRUSTED = ['10.0.0.0/8', '192.0.2.7', '2001:db8:aaaa::/48'];
const EDGE = '10.0.0.2';
const CLIENT = '203.0.113.7';

function seen(peer: string, forwardedFor: string): string {
  return clientAddress(peer, forwardedFor, rangesOf(TRUSTED));
}

test.each([
  { name: 'nobody forwarded it', peer: CLIENT, header: '', is: CLIENT },
  { name: 'an untrusted peer says what it likes', peer: CLIENT, header: '198.51.100.1', is: CLIENT },
  {
    name: 'an untrusted peer names a trusted proxy',
    peer: CLIENT,
    header: '198.51.100.1, 10.0.0.3',
    is: CLIENT,
  },
  { name: 'a trusted peer says nothing', peer: EDGE, header: '', is: EDGE },
  { name: 'a trusted peer says it', peer: EDGE, header: CLIENT, is: CLIENT },
  { name: 'what the client made up comes before', peer: EDGE, header: `198.51.100.1, ${CLIENT}`, is: CLIENT },
  {
    name: 'trusted hops are passed over',
    peer: EDGE,
    header: `1.1.1.1,${CLIENT},192.0.2.7,10.9.9.9`,
    is: CLIENT,
  },
  { name: 'all are trusted: the farthest', peer: EDGE, header: '10.0.0.9, 192.0.2.7', is: '10.0.0.9' },
  { name: 'garbage ends the walk', peer: EDGE, header: `${CLIENT}, unknown, 10.0.0.9`, is: '10.0.0.9' },
  { name: 'garbage at once', peer: EDGE, header: `${CLIENT}, _hidden`, is: EDGE },
  { name: 'an empty entry is garbage', peer: EDGE, header: `${CLIENT},`, is: EDGE },
  { name: 'spaces and tabs', peer: EDGE, header: `1.1.1.1,\t ${CLIENT} \t`, is: CLIENT },
  { name: 'a port', peer: EDGE, header: `${CLIENT}:50123`, is: CLIENT },
  { name: 'a port of a trusted hop', peer: EDGE, header: `${CLIENT}:1, 192.0.2.7:2`, is: CLIENT },
  { name: 'brackets', peer: EDGE, header: '[2001:db8::1]', is: '2001:db8::1' },
  { name: 'brackets and a port', peer: EDGE, header: '[2001:DB8:0::1]:9', is: '2001:db8::1' },
  { name: 'IPv6 without brackets has no port', peer: EDGE, header: '2001:db8::1:9', is: '2001:db8::1:9' },
  { name: 'IPv4-mapped IPv6', peer: EDGE, header: '::ffff:203.0.113.7', is: CLIENT },
  { name: 'IPv4-mapped IPv6 in brackets', peer: EDGE, header: `${CLIENT}, [::ffff:10.0.0.9]:1`, is: CLIENT },
  { name: 'an IPv4-mapped peer', peer: '::ffff:10.0.0.2', header: CLIENT, is: CLIENT },
  { name: 'a trusted IPv6 proxy', peer: '2001:db8:aaaa::9', header: CLIENT, is: CLIENT },
  { name: 'a peer that is no address', peer: '', header: CLIENT, is: '' },
  { name: 'IPv4 in brackets is no address', peer: EDGE, header: `[${CLIENT}]`, is: EDGE },
  { name: 'a long port is no port', peer: EDGE, header: `${CLIENT}:123456`, is: EDGE },
  { name: 'two ports', peer: EDGE, header: `${CLIENT}:1:2`, is: EDGE },
  { name: 'a range', peer: EDGE, header: `${CLIENT}/24`, is: EDGE },
  { name: 'RFC 7239', peer: EDGE, header: `for=${CLIENT}`, is: EDGE },
])('$name', ({ peer, header, is }) => {
  expect(seen(peer, header)).toBe(is);
});

test('where nobody is trusted, the header counts for nothing', () => {
  expect(clientAddress('127.0.0.1', '203.0.113.7', [])).toBe('127.0.0.1');
});

test('a chain is followed for 32 hops', () => {
  const hops = (count: number) => Array(count).fill('10.0.0.9').join(',');
  expect(seen(EDGE, `${CLIENT},${hops(31)}`)).toBe(CLIENT);
  expect(seen(EDGE, `${CLIENT},${hops(32)}`)).toBe('10.0.0.9');
});

describe('a client cannot choose its address', () => {
  const trusted = fc.oneof(
    fc.ipV4().map((address) => address.replace(/^\d+/, '10')),
    fc.constantFrom(
      '192.0.2.7',
      '2001:db8:aaaa::1',
      '::ffff:10.1.2.3',
      '[2001:db8:aaaa::1]:443',
      '10.0.0.1:80',
    ),
  );
  const untrusted = fc.oneof(
    fc.ipV4().map((address) => address.replace(/^\d+/, '203')),
    fc.constant('2001:db8:bbbb::1'),
  );
  /** What a client may send: lists of anything, that end in anything. */
  const madeUp = fc
    .array(
      fc.oneof(trusted, untrusted, fc.string(), fc.constantFrom('', ',', '"', 'unknown', '10.0.0.0/8')),
      {
        maxLength: 50,
      },
    )
    .chain((entries) => fc.constantFrom(',', ', ', '\t,', ',,').map((comma) => entries.join(comma)));
  const chain = fc.array(trusted, { maxLength: 8 });

  test('not by any header, whatever the proxies are that its request comes through', () => {
    fc.assert(
      fc.property(madeUp, untrusted, chain, (header, client, hops) => {
        expect(seen(EDGE, [header, client, ...hops].join(', '))).toBe(client);
      }),
      { numRuns: 2_000 },
    );
  });

  test('not by any header, where it comes without a proxy', () => {
    fc.assert(
      fc.property(madeUp, untrusted, (header, client) => {
        expect(seen(client, header)).toBe(client);
      }),
      { numRuns: 2_000 },
    );
  });
});
