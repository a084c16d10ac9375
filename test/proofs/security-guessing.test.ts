import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { formSecret, SECRET_RANDOM_BYTES } from '#core/secret.ts';
import { ADMIN_TOKEN, METRICS_TOKEN } from '#test/fakes/policy.ts';
import type { ProxyUnderTest } from '#test/fakes/proxy.ts';
import { openProxy } from '#test/fakes/proxy.ts';
import { completion, sendJson } from '#test/fakes/upstream-server.ts';

const PER_MINUTE = 4;
const CHAT = '/v1/chat/completions';
const BODY = JSON.stringify({ model: 'demo', messages: [{ role: 'user', content: 'Hi' }] });

let proxy: ProxyUnderTest;

afterEach(() => proxy.close());

async function open(authFailuresPerMinute = PER_MINUTE): Promise<void> {
  proxy = await openProxy({
    behaviour: (_call, response) => sendJson(response, completion(3, 4)),
    guards: { authFailuresPerMinute },
  });
}

interface Asked {
  readonly path: string;
  readonly header?: string;
  readonly address?: string;
}

/** Asks with a credential, `undefined` for none. */
function ask(
  credential: string | undefined,
  { path, header = 'authorization', address = '203.0.113.7' }: Asked,
) {
  const value = header === 'authorization' ? `Bearer ${credential}` : (credential ?? '');
  const method = path === CHAT ? 'POST' : 'GET';
  const headers = {
    'content-type': 'application/json',
    ...(credential === undefined ? {} : { [header]: value }),
  };
  return proxy.fetch(path, { method, address, headers, ...(method === 'POST' ? { body: BODY } : {}) });
}

const wellFormed = () => formSecret('sk-', randomBytes(SECRET_RANDOM_BYTES));
const mistyped = () => `${wellFormed().slice(0, -1)}!`;
const foreign = () => `another-${randomBytes(12).toString('hex')}`;

/** Every way of trying something out that is not there. */
const GUESSES: readonly (Asked & { readonly name: string; guess(): string })[] = [
  { name: 'an unknown key', path: CHAT, guess: wellFormed },
  { name: 'an unknown key in x-api-key', path: CHAT, header: 'x-api-key', guess: wellFormed },
  { name: 'an unknown key in x-trial-key', path: CHAT, header: 'x-trial-key', guess: wellFormed },
  { name: 'a mistyped key', path: CHAT, guess: mistyped },
  { name: 'a key as of another system', path: CHAT, guess: foreign },
  { name: 'an unknown key, for its quota', path: '/v1/quota', guess: wellFormed },
  { name: 'an unknown key, for the models', path: '/v1/models', guess: wellFormed },
  { name: 'a wrong admin token', path: '/admin/keys', guess: foreign },
  { name: 'a key for an admin token', path: '/admin/keys', guess: wellFormed },
  { name: 'a wrong admin token where there is no route', path: '/admin/nothing', guess: foreign },
  { name: 'a wrong token for the metrics', path: '/metrics', guess: foreign },
];

describe('S12: who guesses is throttled by address', () => {
  test.each(GUESSES)('$name: 401, then 429', async ({ guess, ...asked }) => {
    await open();
    const statuses: number[] = [];
    for (let n = 0; n < PER_MINUTE + 2; n += 1) statuses.push((await ask(guess(), asked)).status);
    expect(statuses).toEqual([401, 401, 401, 401, 429, 429]);
    const reply = await ask(guess(), asked);
    expect(await reply.json()).toMatchObject({
      error: { type: 'rate_limit_error', code: 'too_many_failures' },
    });
    expect(reply.headers.get('retry-after')).toBe('15');
    expect(reply.headers.get('x-should-retry')).toBe('false');
    // All attempts are counted together: the kind of the guess is nobody's way round it.
    for (const { guess: another, ...elsewhere } of GUESSES)
      expect((await ask(another(), elsewhere)).status).toBe(429);
    // And each by its reason: the watch for abnormal access goes on counting.
    expect(proxy.log.every(({ reason }) => reason !== null && reason !== 'too_many_failures')).toBe(true);
    proxy.clock.now += 15_000;
    expect((await ask(guess(), asked)).status).toBe(401);
  });

  test('a correct one always gets in, also from a throttled address', async () => {
    await open();
    const { secret } = await proxy.issue();
    for (let n = 0; n < 20; n += 1) await ask(mistyped(), { path: '/admin/keys' });
    expect((await ask(mistyped(), { path: CHAT })).status).toBe(429);
    for (let n = 0; n < 20; n += 1) {
      expect((await ask(secret, { path: CHAT })).status).toBe(200);
      expect((await ask(secret, { path: '/v1/quota', header: 'x-api-key' })).status).toBe(200);
      expect((await ask(ADMIN_TOKEN, { path: '/admin/keys' })).status).toBe(200);
      expect((await ask(METRICS_TOKEN, { path: '/metrics' })).status).toBe(200);
    }
  });

  test('the answer does not tell an unknown key from a wrong one, throttled or not', async () => {
    await open();
    const { secret } = await proxy.issue({ deletedAt: proxy.clock.now - 1 });
    for (let n = 0; n < PER_MINUTE + 3; n += 1) {
      const said = [];
      for (const [index, guess] of [wellFormed(), mistyped(), foreign(), secret].entries()) {
        const reply = await ask(guess, { path: CHAT, address: `203.0.113.${index}` });
        const { 'x-request-id': _, ...headers } = Object.fromEntries(reply.headers);
        said.push({ status: reply.status, headers, text: await reply.text() });
      }
      expect(new Set(said.map((each) => JSON.stringify(each))).size).toBe(1);
    }
  });

  test.each([
    { what: 'no credential at all', credential: undefined, path: CHAT },
    { what: 'no admin token at all', credential: undefined, path: '/admin/keys' },
  ])('$what is no guess, and stays 401', async ({ credential, path }) => {
    await open();
    for (let n = 0; n < PER_MINUTE + 5; n += 1) expect((await ask(credential, { path })).status).toBe(401);
  });

  test.each([{ expiresAt: 1 }, { disabled: true }])(
    'a key that is known and may not (%o) is no guess',
    async (changes) => {
      await open();
      const { secret } = await proxy.issue(changes);
      for (let n = 0; n < PER_MINUTE + 5; n += 1)
        expect((await ask(secret, { path: CHAT })).status).toBe(401);
    },
  );

  test('others are not throttled with it; a site of IPv6, which has a /64, is one address', async () => {
    await open();
    for (let n = 0; n < 9; n += 1) {
      await ask(wellFormed(), { path: CHAT, address: `2001:db8:1:2::${n}` });
      await ask(wellFormed(), { path: CHAT });
    }
    const statusFrom = async (address: string) => (await ask(wellFormed(), { path: CHAT, address })).status;
    expect(await statusFrom('2001:db8:1:2:ffff::1')).toBe(429);
    expect(await statusFrom('2001:db8:1:3::1')).toBe(401);
    expect(await statusFrom('203.0.113.7')).toBe(429);
    expect(await statusFrom('203.0.113.8')).toBe(401);
  });

  test('the control: without a limit the hundredth is answered as the first', async () => {
    await open(0);
    for (let n = 0; n < 100; n += 1) expect((await ask(wellFormed(), { path: CHAT })).status).toBe(401);
  });
});
