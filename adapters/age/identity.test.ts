import { generateHybridIdentity } from 'age-encryption';
import { expect, test } from 'vitest';
import { makeIdentity, recipientOf } from './identity.ts';

/** 32 bytes of 0x42, as age-keygen writes and reads them. */
const KNOWN = `AGE-SECRET-KEY-1${'GFPYYSJZ'.repeat(6)}GFPQ4EGAEX`;
const KNOWN_RECIPIENT = 'age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj';

test('a made one is one, each is new, and has a recipient', async () => {
  const [a, b] = await Promise.all([makeIdentity(), makeIdentity()]);
  expect(a).not.toBe(b);
  expect(await recipientOf(a)).toMatch(/^age1[02-9ac-hj-np-z]{58}$/);
});

test('the recipient is the one that age tells', async () => {
  expect(await recipientOf(KNOWN)).toBe(KNOWN_RECIPIENT);
});

test.each([
  { name: 'nothing', text: '' },
  { name: 'another secret', text: 'correct horse battery staple' },
  { name: 'a letter mistyped', text: KNOWN.replace('GFPYY', 'GFPYZ') },
  { name: 'two letters swapped', text: KNOWN.replace('GFPYY', 'GPFYY') },
  { name: 'a letter missing', text: KNOWN.slice(0, -1) },
  { name: 'a letter more', text: `${KNOWN}Q` },
  { name: 'in lower case', text: KNOWN.toLowerCase() },
  { name: 'a line end behind', text: `${KNOWN}\n` },
  { name: 'the recipient', text: KNOWN_RECIPIENT },
  { name: 'a key of another kind', text: await generateHybridIdentity() },
])('not one: $name, and the message does not repeat it', async ({ text }) => {
  const error = await recipientOf(text).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(Error);
  expect(String(error)).toContain('the key is not one of age');
  // Neither in what is shown of an error: its stack, and what caused it.
  if (text !== '')
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(text.trim());
});
