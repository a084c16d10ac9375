import { expect, test } from 'vitest';
import { idempotencyKeyOf } from './idempotency-key.ts';

const of = (text: string) => idempotencyKeyOf(new Headers({ 'idempotency-key': text }));

test.each([
  ['8e03978e-40d5-43e8-bc93-6894a57f9324', '8e03978e-40d5-43e8-bc93-6894a57f9324'],
  ['"8e03978e-40d5-43e8-bc93-6894a57f9324"', '8e03978e-40d5-43e8-bc93-6894a57f9324'],
  ['"a \\"b\\\\"', 'a "b\\'],
  [' padded ', 'padded'],
  ['x'.repeat(255), 'x'.repeat(255)],
  ['a/b;c=d', 'a/b;c=d'],
])('%s is a key', (text, key) => {
  expect(of(text)).toEqual({ kind: 'key', key });
});

test.each(['', '""', '"torn', 'torn"', 'a b', 'a,b', '"a", "b"', '"a";b=c', '"\\a"', 'é', 'x'.repeat(256)])(
  '%s is none',
  (text) => {
    expect(of(text)).toEqual({ kind: 'malformed' });
  },
);

test('that is not there is not wrong, and one that is there twice is', () => {
  expect(idempotencyKeyOf(new Headers())).toEqual({ kind: 'none' });
  const twice = new Headers([
    ['idempotency-key', 'a'],
    ['idempotency-key', 'a'],
  ]);
  expect(idempotencyKeyOf(twice)).toEqual({ kind: 'malformed' });
});
