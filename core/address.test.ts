import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalAddress, includesAddress, parseRange } from './address.ts';

test.each([
  { range: '203.0.113.7', inside: ['203.0.113.7'], outside: ['203.0.113.6', '203.0.113.8'] },
  {
    range: '203.0.113.0/24',
    inside: ['203.0.113.0', '203.0.113.255'],
    outside: ['203.0.112.255', '203.0.114.0'],
  },
  { range: '203.0.113.77/24', inside: ['203.0.113.1'], outside: ['203.0.114.77'] },
  { range: '10.0.0.0/9', inside: ['10.127.255.255'], outside: ['10.128.0.0', '9.255.255.255'] },
  { range: '10.0.0.2/31', inside: ['10.0.0.2', '10.0.0.3'], outside: ['10.0.0.1', '10.0.0.4'] },
  { range: '10.0.0.2/32', inside: ['10.0.0.2'], outside: ['10.0.0.3'] },
  { range: '0.0.0.0/0', inside: ['0.0.0.0', '255.255.255.255', '::ffff:1.2.3.4'], outside: ['::', '::1'] },
  {
    range: '2001:db8::/32',
    inside: ['2001:db8::', '2001:DB8:ffff:ffff:ffff:ffff:ffff:ffff'],
    outside: ['2001:db9::', '2001:db7:ffff::'],
  },
  { range: '2001:db8::8/127', inside: ['2001:db8::9'], outside: ['2001:db8::7', '2001:db8::a'] },
  { range: '::1', inside: ['0:0:0:0:0:0:0:1', '::0001'], outside: ['::', '::2', '0.0.0.1'] },
  { range: '::/0', inside: ['::', 'ffff::ffff'], outside: ['127.0.0.1', '::ffff:127.0.0.1'] },
  // RFC 4291 §2.5.5.2: what a dual-stack socket calls an IPv4 client.
  { range: '192.0.2.0/24', inside: ['::ffff:192.0.2.9', '::ffff:c000:0209'], outside: ['::192.0.2.9'] },
  { range: '::ffff:192.0.2.9', inside: ['192.0.2.9'], outside: ['192.0.2.8'] },
  { range: '1:2:3:4:5:6:7::', inside: ['1:2:3:4:5:6:7:0'], outside: ['1:2:3:4:5:6:7:1'] },
])('$range', ({ range, inside, outside }) => {
  for (const address of inside) expect(includesAddress([range], address), address).toBe(true);
  for (const address of outside) expect(includesAddress([range], address), address).toBe(false);
});

const GARBAGE = [
  ...[
    '',
    ' ',
    'localhost',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.-4',
    '1.2.3.4 ',
    '0x7f.0.0.1',
    '1e1.0.0.1',
  ],
  ...[
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '::12345',
    '::g',
    'fe80::1%eth0',
  ],
  ...['::1.2.3', '1.2.3.4::', '1.2.3.4::1', '::1.2.3.4:5', '[::1]', '127.0.0.1:80'],
];

test.each(GARBAGE.map((text) => ({ text })))(
  "'$text' is no address: it is in nothing, and nothing is in it",
  ({ text }) => {
    expect(parseRange(text)).toBeUndefined();
    expect(includesAddress(['0.0.0.0/0', '::/0'], text)).toBe(false);
    expect(includesAddress([text], '127.0.0.1')).toBe(false);
  },
);

test.each([
  '10.0.0.0/',
  '10.0.0.0/33',
  '10.0.0.0/-1',
  '10.0.0.0/8/8',
  '10.0.0.0/x',
  '10.0.0.0/8.0',
  '::/129',
  '/8',
])('%s is no range', (text) => {
  expect(parseRange(text)).toBeUndefined();
  expect(includesAddress([text], '10.0.0.0')).toBe(false);
});

test('any of several ranges will do, and none of no ranges', () => {
  expect(includesAddress(['garbage', '10.0.0.0/8', '::1'], '::1')).toBe(true);
  expect(includesAddress([], '::1')).toBe(false);
});

test('an IPv4 address is in a range exactly if they begin with the same bits', () => {
  const address = fc.ipV4();
  const bits = (text: string) =>
    text
      .split('.')
      .map((part) => Number(part).toString(2).padStart(8, '0'))
      .join('');
  const near = fc.tuple(address, fc.integer({ min: 0, max: 31 })).map(([text, bit]) => {
    const flipped = Number.parseInt(bits(text), 2) ^ (1 << bit);
    return [text, [24, 16, 8, 0].map((shift) => (flipped >>> shift) & 0xff).join('.')] as const;
  });
  fc.assert(
    fc.property(near, fc.integer({ min: 0, max: 32 }), ([one, other], prefix) => {
      const same = bits(one).slice(0, prefix) === bits(other).slice(0, prefix);
      expect(includesAddress([`${one}/${prefix}`], other)).toBe(same);
      expect(includesAddress([`${one}/${prefix}`], `::ffff:${other}`)).toBe(same);
    }),
    { numRuns: 500 },
  );
});

test('every way to write an IPv6 address is read', () => {
  fc.assert(
    fc.property(fc.ipV6(), (text) => includesAddress([text], text.toUpperCase())),
    {
      numRuns: 500,
    },
  );
});

test.each([
  { text: '192.0.2.1', canonical: '192.0.2.1' },
  { text: '::ffff:192.0.2.1', canonical: '192.0.2.1' },
  { text: '::FFFF:c000:0201', canonical: '192.0.2.1' },
  { text: '2001:DB8:0:0:0:0:0:1', canonical: '2001:db8::1' },
  { text: '2001:db8:0:0:1:0:0:1', canonical: '2001:db8::1:0:0:1' },
  { text: '2001:0:0:1:0:0:0:1', canonical: '2001:0:0:1::1' },
  { text: '2001:db8:0:1:1:1:1:1', canonical: '2001:db8:0:1:1:1:1:1' },
  { text: '2001:db8::1:1:1:1:1', canonical: '2001:db8:0:1:1:1:1:1' },
  { text: '10:0:0:100::', canonical: '10:0:0:100::' },
  { text: '0:0::', canonical: '::' },
  { text: '0::1', canonical: '::1' },
  { text: '::1:0:0', canonical: '::1:0:0' },
  { text: '::192.0.2.9', canonical: '::c000:209' },
])('$text is written $canonical', ({ text, canonical }) => {
  expect(canonicalAddress(text)).toBe(canonical);
});

test('an address has one way to be written, the one that URLs have, and garbage has none', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV6(), groupsWithZeros), (text) => {
      const canonical = canonicalAddress(text) ?? '';
      if (canonical.includes('.')) return expect(canonicalAddress(`::ffff:${canonical}`)).toBe(canonical);
      // WHATWG URL §3.5 serialises by RFC 5952.
      expect(`[${canonical}]`).toBe(new URL(`http://[${text}]`).hostname);
      expect(canonicalAddress(canonical)).toBe(canonical);
      return undefined;
    }),
    { numRuns: 1_000 },
  );
  for (const text of GARBAGE) expect(canonicalAddress(text)).toBeUndefined();
});

const groupsWithZeros = fc
  .array(fc.constantFrom('0', '00', '1', 'F0', 'abcd'), { minLength: 8, maxLength: 8 })
  .map((groups) => groups.join(':'));
