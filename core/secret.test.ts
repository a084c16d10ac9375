import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formSecret, hintOf, isForeign, isWellFormed, SECRET_RANDOM_BYTES } from './secret.ts';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const CHECKSUM_LENGTH = 6;

const randoms = fc.uint8Array({ minLength: SECRET_RANDOM_BYTES, maxLength: SECRET_RANDOM_BYTES });
const prefixes = fc.oneof(fc.constantFrom('sk-', 'sk-trial_', ''), fc.stringMatching(/^[\x21-\x7e]{0,20}$/));
const secrets = fc.tuple(prefixes, randoms).map(([prefix, random]) => formSecret(prefix, random));

/** The number that the characters after the prefix stand for. */
const numberIn = (body: string) =>
  [...body].reduce((number, digit) => number * 62n + BigInt(ALPHABET.indexOf(digit)), 0n);

test('a secret has 160 random bits or more, and loses none of them', () => {
  expect(SECRET_RANDOM_BYTES * 8).toBeGreaterThanOrEqual(160);
  fc.assert(
    fc.property(prefixes, randoms, (prefix, random) => {
      const secret = formSecret(prefix, random);
      const body = secret.slice(prefix.length, -CHECKSUM_LENGTH);
      const hex = Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('');
      expect(numberIn(body)).toBe(BigInt(`0x${hex}`));
    }),
  );
});

test('a secret is as long as any other, and can be sent in a header', () => {
  fc.assert(
    fc.property(randoms, (random) => {
      expect(formSecret('sk-', random)).toMatch(/^sk-[0-9A-Za-z]{39}$/);
    }),
  );
});

test('what was formed is well formed, with any prefix', () => {
  fc.assert(fc.property(secrets, isWellFormed));
});

test('the checksum is CRC-32 in base 62', () => {
  // CRC-32 of 33 zeros by zlib is 0x72a8ff67: 26BYXP in base 62.
  expect(formSecret('', new Uint8Array(SECRET_RANDOM_BYTES)).slice(-CHECKSUM_LENGTH)).toBe('26BYXP');
});

test('no single character can be changed, whatever it becomes', () => {
  const characters = fc.oneof(
    fc.constantFrom(...ALPHABET),
    fc.string({ minLength: 1, maxLength: 1, unit: 'binary' }),
  );
  fc.assert(
    fc.property(secrets, fc.nat(), characters, (secret, place, character) => {
      const at = place % secret.length;
      fc.pre(secret[at] !== character);
      expect(isWellFormed(secret.slice(0, at) + character + secret.slice(at + 1))).toBe(false);
    }),
    { numRuns: 2_000 },
  );
});

test('no two neighbours can be swapped, and nothing left out', () => {
  fc.assert(
    fc.property(secrets, fc.nat(), (secret, place) => {
      const at = place % (secret.length - 1);
      const [first = '', second = ''] = secret.slice(at, at + 2);
      fc.pre(first !== second);
      expect(isWellFormed(secret.slice(0, at) + second + first + secret.slice(at + 2))).toBe(false);
      expect(isWellFormed(secret.slice(0, at) + secret.slice(at + 1))).toBe(false);
    }),
  );
});

test.each([
  { name: 'empty', text: '' },
  { name: 'short', text: 'sk-1234' },
  { name: "OpenAI's own", text: 'sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEF' },
  { name: 'as long as a secret', text: `sk-${'a'.repeat(39)}` },
  { name: 'endless', text: formSecret('x'.repeat(200), new Uint8Array(SECRET_RANDOM_BYTES)) },
  { name: 'with a character that ends in the same byte', text: aliased() },
])('garbage is not well formed: $name', ({ text }) => {
  expect(isWellFormed(text)).toBe(false);
});

test.each([
  { name: "one-api's", text: `sk-${'a1B2'.repeat(12)}`, foreign: true },
  { name: 'a UUID', text: 'trial-0197b2a0-1111-7000-8000-000000000001', foreign: true },
  {
    name: 'as long as ours, with a character that ours never have',
    text: `sk-${'a'.repeat(38)}_`,
    foreign: true,
  },
  { name: 'as long as ours under another prefix', text: `qp-${'a'.repeat(39)}`, foreign: true },
  { name: 'the shortest', text: 'a'.repeat(16), foreign: true },
  { name: 'the longest', text: 'a'.repeat(200), foreign: true },
  { name: 'like one of ours, mistyped', text: `sk-${'a'.repeat(39)}`, foreign: false },
  { name: 'one of ours', text: formSecret('sk-', new Uint8Array(SECRET_RANDOM_BYTES)), foreign: false },
  { name: 'short enough to be guessed', text: 'a'.repeat(15), foreign: false },
  { name: 'endless', text: 'a'.repeat(201), foreign: false },
  { name: 'with a space', text: 'correct horse battery', foreign: false },
  { name: 'with a comma', text: `a,${'a'.repeat(30)}`, foreign: false },
  { name: 'not ASCII', text: `é${'a'.repeat(30)}`, foreign: false },
])('what could be the secret of another system: $name', ({ text, foreign }) => {
  expect(isForeign(text, 'sk-')).toBe(foreign);
});

test("of another system's secret no more than eleven characters are shown, and never more than half", () => {
  expect(hintOf(`sk-${'0123456789abcdef'.repeat(3)}`)).toBe('sk-0123…cdef');
  expect(hintOf('abcdefghijklmnop')).toBe('abcd…mnop');
});

test('too few random bytes are refused', () => {
  expect(() => formSecret('sk-', new Uint8Array(16))).toThrow('24 random bytes');
});

test('a hint shows the prefix, four characters, and the last four', () => {
  fc.assert(
    fc.property(prefixes, randoms, (prefix, random) => {
      const secret = formSecret(prefix, random);
      expect(hintOf(secret)).toBe(`${secret.slice(0, prefix.length + 4)}…${secret.slice(-4)}`);
    }),
  );
});

function aliased(): string {
  const secret = formSecret('sk-', new Uint8Array(SECRET_RANDOM_BYTES));
  return secret.replace('s', String.fromCharCode('s'.charCodeAt(0) + 0x100));
}
