import * as crypto from 'node:crypto';
import { createHmac } from 'node:crypto';
import { beforeEach, expect, test, vi } from 'vitest';
import { secretsUnder } from './secrets-under.ts';

// The real ones, counted.
vi.mock('node:crypto', async (original) => {
  const real = await original<typeof crypto>();
  return { ...real, timingSafeEqual: vi.fn(real.timingSafeEqual) };
});
beforeEach(() => void vi.mocked(crypto.timingSafeEqual).mockClear());

const PEPPER = new TextEncoder().encode('a pepper of the tests, long enough');
const secrets = secretsUnder(PEPPER);

test('a digest is HMAC-SHA-256 under the pepper', () => {
  expect(secrets.digest('sk-one')).toBe(createHmac('sha256', PEPPER).update('sk-one').digest('hex'));
  expect(secretsUnder(new Uint8Array(32)).digest('sk-one')).not.toBe(secrets.digest('sk-one'));
});

test.each([
  { name: 'the first', given: 'one', expected: ['one', 'two'], found: true },
  { name: 'the last', given: 'two', expected: ['one', 'two'], found: true },
  { name: 'none', given: 'three', expected: ['one', 'two'], found: false },
  { name: 'a beginning', given: 'on', expected: ['one'], found: false },
  { name: 'one and more', given: 'one ', expected: ['one'], found: false },
  { name: 'nothing among none', given: '', expected: [], found: false },
])('isOneOf: $name', ({ given, expected, found }) => {
  expect(secrets.isOneOf(given, expected)).toBe(found);
});

test('an empty pepper is no pepper', () => {
  expect(() => secretsUnder(new Uint8Array())).toThrow('empty');
});

test('what is derived is the same each time, and another under another pepper or from another text', () => {
  const derived = secrets.derive('from this', 24);
  expect(derived).toHaveLength(24);
  expect(secretsUnder(PEPPER).derive('from this', 24)).toEqual(derived);
  expect(secrets.derive('from that', 24)).not.toEqual(derived);
  expect(secretsUnder(new Uint8Array(32)).derive('from this', 24)).not.toEqual(derived);
  expect(secrets.digest('from this')).not.toContain(Buffer.from(derived).toString('hex'));
});

test('what is sealed is opened by the same pepper and text, and by nothing less', () => {
  const secrets = secretsUnder(new TextEncoder().encode('pepper'));
  const sealed = secrets.seal('an answer, 密钥', 'a-key');
  expect(secrets.unseal(sealed, 'a-key')).toBe('an answer, 密钥');
  expect(secrets.seal('an answer, 密钥', 'a-key')).not.toBe(sealed);
  expect(secrets.unseal(sealed, 'another')).toBeUndefined();
  expect(secretsUnder(new TextEncoder().encode('other')).unseal(sealed, 'a-key')).toBeUndefined();
  const bytes = Buffer.from(sealed, 'base64');
  for (let at = 0; at < bytes.length; at += 1) {
    const changed = Buffer.from(bytes);
    changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
    expect(secrets.unseal(changed.toString('base64'), 'a-key'), `byte ${at}`).toBeUndefined();
  }
  for (const short of ['', 'AAAA']) expect(secrets.unseal(short, 'a-key')).toBeUndefined();
});

test.each(['one', 'three', 'nobody', '', 'o', 'x'.repeat(10_000)])(
  'S5: %s is compared with every candidate, in one length, wherever it is found',
  (given) => {
    secrets.isOneOf(given, ['one', 'two', 'three']);
    const { calls } = vi.mocked(crypto.timingSafeEqual).mock;
    expect(calls.map(([left, right]) => [left.byteLength, right.byteLength])).toEqual(
      Array(3).fill([32, 32]),
    );
  },
);
