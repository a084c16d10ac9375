import { expect, test } from 'vitest';
import { credentialOf } from './credential.ts';

const secret = (text: string) => ({ kind: 'secret', secret: text });

test.each<{ name: string; headers: [string, string][]; is: object }>([
  { name: 'none', headers: [], is: { kind: 'missing' } },
  { name: 'bearer', headers: [['authorization', 'Bearer sk-a']], is: secret('sk-a') },
  { name: 'bearer in any case', headers: [['Authorization', 'bEaReR   sk-a ']], is: secret('sk-a') },
  { name: 'x-api-key', headers: [['x-api-key', 'sk-a']], is: secret('sk-a') },
  { name: 'x-trial-key', headers: [['x-trial-key', 'sk-a']], is: secret('sk-a') },
  {
    name: 'the same in two headers',
    headers: [
      ['authorization', 'Bearer sk-a'],
      ['x-api-key', 'sk-a'],
    ],
    is: secret('sk-a'),
  },
  {
    name: 'two different ones',
    headers: [
      ['authorization', 'Bearer sk-a'],
      ['x-api-key', 'sk-b'],
    ],
    is: { kind: 'several' },
  },
  {
    name: 'a key beside another scheme',
    headers: [
      ['authorization', 'Basic eDp5'],
      ['x-api-key', 'sk-b'],
    ],
    is: { kind: 'several' },
  },
  {
    name: 'one header twice',
    headers: [
      ['x-api-key', 'sk-a'],
      ['x-api-key', 'sk-a'],
    ],
    is: { kind: 'several' },
  },
  {
    name: 'authorization twice',
    headers: [
      ['authorization', 'Bearer sk-a'],
      ['authorization', 'Bearer sk-b'],
    ],
    is: { kind: 'several' },
  },
  { name: 'another scheme', headers: [['authorization', 'Basic eDp5']], is: { kind: 'malformed' } },
  { name: 'no scheme', headers: [['authorization', 'sk-a']], is: { kind: 'malformed' } },
  { name: 'an empty token', headers: [['authorization', 'Bearer ']], is: { kind: 'missing' } },
  { name: 'an empty header', headers: [['x-api-key', ' ']], is: { kind: 'missing' } },
  {
    name: 'a key beside an empty header',
    headers: [
      ['authorization', 'Bearer sk-a'],
      ['x-api-key', ''],
    ],
    is: secret('sk-a'),
  },
  {
    name: 'a key beside an empty token',
    headers: [
      ['authorization', 'Bearer '],
      ['x-api-key', 'sk-a'],
    ],
    is: secret('sk-a'),
  },
  { name: 'a space within', headers: [['authorization', 'Bearer sk a']], is: { kind: 'malformed' } },
  { name: 'beyond ASCII', headers: [['x-api-key', 'sk-é']], is: { kind: 'malformed' } },
])('credential: $name', ({ headers, is }) => {
  expect(credentialOf(new Headers(headers))).toEqual(is);
});
