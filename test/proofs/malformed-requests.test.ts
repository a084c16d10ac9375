import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ApiKey } from '#core/model.ts';
import { formSecret, SECRET_RANDOM_BYTES } from '#core/secret.ts';
import { NOON } from '#test/fakes/accounts.ts';
import type { ProxyUnderTest } from '#test/fakes/proxy.ts';
import { openProxy } from '#test/fakes/proxy.ts';
import { completion, sendJson } from '#test/fakes/upstream-server.ts';

const BODY_BYTES_MAX = 10_000;
const ROOM = 20_000;

let proxy: ProxyUnderTest;
let lookedUp: number;
beforeEach(async () => {
  proxy = await openProxy({
    behaviour: (_, response) => sendJson(response, completion(70, 30)),
    policy: { bodyBytesMax: BODY_BYTES_MAX, requestsPerMinute: 10 },
    guards: { bodiesBytesMax: ROOM },
  });
  lookedUp = 0;
  const { keys } = proxy.services;
  const { account } = keys;
  keys.account = (ref) => {
    lookedUp += 1;
    return account(ref);
  };
});
afterEach(() => proxy.close());

/** The rate is the proxy's own. */
const LIMITED: Partial<ApiKey> = {
  requestsPerMinute: null,
  quotas: [
    { meter: 'requests', period: 'day', limit: 10 },
    { meter: 'tokens', period: 'minute', limit: 100_000 },
  ],
};

interface Malformed {
  readonly name: string;
  readonly status: number;
  readonly code: string;
  readonly param?: string;
  /** The way out, in the message. */
  readonly says?: string;
  readonly path?: string;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
}

const JSON_TYPE = { 'content-type': 'application/json' };
const MESSAGE = '{"model":"demo","max_tokens":9,"messages":[]}';

const malformed: readonly Malformed[] = [
  { name: 'no JSON', body: '{', status: 400, code: 'invalid_body' },
  {
    name: 'a wrong member',
    body: '{"model":"demo","messages":[],"n":0}',
    status: 400,
    code: 'invalid_body',
    param: 'n',
  },
  {
    name: 'no UTF-8',
    body: new Uint8Array([0x22, 0xff, 0x22]),
    status: 400,
    code: 'invalid_encoding',
    says: 'encode it so',
  },
  {
    name: 'too large',
    body: ' '.repeat(BODY_BYTES_MAX + 1),
    status: 413,
    code: 'body_too_large',
    says: 'send a shorter one',
  },
  {
    name: 'another type',
    body: 'a=b',
    headers: { 'content-type': 'text/plain' },
    status: 415,
    code: 'unsupported_media_type',
  },
  {
    name: 'compressed',
    body: '{}',
    headers: { 'content-encoding': 'gzip' },
    status: 415,
    code: 'unsupported_encoding',
  },
  {
    name: 'a wrong header',
    path: '/v1/messages',
    body: MESSAGE,
    headers: { 'anthropic-version': 'new' },
    status: 400,
    code: 'invalid_header',
  },
];

const send = (secret: string, { path = '/v1/chat/completions', body = '{}', headers }: Partial<Malformed>) =>
  proxy.fetch(path, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}`, ...JSON_TYPE, ...headers },
    body,
  });

async function codeOf(reply: Response) {
  const { error } = JSON.parse(await reply.text());
  return { status: reply.status, code: error.code ?? error.details.error_code };
}

/** All headers that tell of limits. */
function limitsIn({ headers }: Response) {
  return Object.fromEntries([...headers].filter(([name]) => /^(x-)?(ratelimit|quota)/.test(name)));
}

const UNTOUCHED = {
  'x-ratelimit-limit-requests': '10',
  'x-ratelimit-remaining-requests': '10',
  'x-ratelimit-reset-requests': '0s',
  'x-ratelimit-limit-tokens': '100000',
  'x-ratelimit-remaining-tokens': '100000',
  'x-ratelimit-reset-tokens': '1m0s',
  'x-quota-remaining-requests': '10',
  'x-quota-remaining-tokens': '100000',
  'ratelimit-policy': '"rate";q=10;w=60, "requests-day";q=10;w=86400, "tokens-minute";q=100000;w=60',
  ratelimit: '"rate";r=10;t=0, "requests-day";r=10;t=43200, "tokens-minute";r=100000;t=60',
};

describe.each(malformed)('$name', (wrong) => {
  const { status, code, param, says = '' } = wrong;

  test('is answered with all limits of the key, of which it takes nothing', async () => {
    const { secret, key } = await proxy.issue(LIMITED);
    for (let times = 0; times < 2; times += 1) {
      const reply = await send(secret, wrong);
      expect(limitsIn(reply)).toEqual(UNTOUCHED);
      expect(reply.headers.get('x-request-id')).not.toBeNull();
      const text = await reply.clone().text();
      if (param !== undefined) expect(JSON.parse(text).error.param).toBe(param);
      expect(JSON.parse(text).error.message).toContain(says);
      expect(await codeOf(reply)).toEqual({ status, code });
    }
    await proxy.settled();
    const account = await proxy.store.keys.account({ id: key.id });
    expect(account).toMatchObject({ open: [], arrivalUs: 0, lastUsedAt: null });
    expect(proxy.upstream.seen).toEqual([]);
    expect(proxy.log.map(({ reason }) => reason)).toEqual([code, code]);
  });

  test.each<{ who: string; change: Partial<ApiKey>; status: number; code: string }>([
    { who: 'disabled', change: { disabled: true }, status: 401, code: 'key_disabled' },
    { who: 'expired', change: { expiresAt: NOON }, status: 401, code: 'key_expired' },
    { who: 'deleted', change: { deletedAt: NOON }, status: 401, code: 'invalid_api_key' },
    { who: 'of elsewhere', change: { ips: ['192.0.2.1'] }, status: 403, code: 'ip_not_allowed' },
  ])('comes after the refusal of a key that is $who', async (row) => {
    const { change, status, code } = row;
    const { secret } = await proxy.issue({ ...LIMITED, ...change });
    const reply = await send(secret, wrong);
    expect(limitsIn(reply)).toEqual({});
    expect(reply.headers.get('x-should-retry')).toBe('false');
    expect(await codeOf(reply)).toEqual({ status, code });
  });

  test('comes after the refusal of a key that nobody made, and costs a garbled one no look at the store', async () => {
    const stranger = formSecret('sk-', randomBytes(SECRET_RANDOM_BYTES));
    for (const [secret, looks, reason] of [
      ['sk-garbage', 0, 'invalid_api_key'],
      [stranger, 1, 'unknown_key'],
    ] as const) {
      lookedUp = 0;
      const reply = await send(secret, wrong);
      expect(limitsIn(reply)).toEqual({});
      expect(await codeOf(reply)).toEqual({ status: 401, code: 'invalid_api_key' });
      expect(lookedUp).toBe(looks);
      expect(proxy.log.at(-1)?.reason).toBe(reason);
    }
  });
});

test('what is nowhere is told where to look', async () => {
  const reply = await proxy.fetch('/v1/chat/completion', { method: 'POST' });
  const { error } = JSON.parse(await reply.text());
  expect(error.message).toBe(
    'Unknown request URL: POST /v1/chat/completion. GET /docs lists those that there are.',
  );
});

test('what was used before is told', async () => {
  const { secret } = await proxy.issue(LIMITED);
  await (await proxy.chat(secret, { max_tokens: 30 })).text();
  await proxy.settled();
  const reply = await send(secret, { body: '{' });
  expect(limitsIn(reply)).toMatchObject({
    'x-ratelimit-remaining-requests': '9',
    'x-ratelimit-remaining-tokens': '99900',
    'x-quota-remaining-requests': '9',
    ratelimit: '"rate";r=9;t=6, "requests-day";r=9;t=43200, "tokens-minute";r=99900;t=60',
  });
});

test('so it is where there is no room for a body', async () => {
  const { secret } = await proxy.issue(LIMITED);
  using others = proxy.services.guards.bodies.claim();
  others.take(ROOM);
  const reply = await send(secret, { body: MESSAGE });
  expect(limitsIn(reply)).toEqual(UNTOUCHED);
  expect(reply.headers.get('retry-after')).toBe('2');
  expect(await codeOf(reply)).toEqual({ status: 503, code: 'server_busy' });
});

test('a body that says that it is not encoded is right, in any case of letters', async () => {
  const { secret } = await proxy.issue(LIMITED);
  expect((await proxy.chat(secret, {}, { 'content-encoding': 'Identity' })).status).toBe(200);
  await proxy.settled();
});

test('nothing is looked up for a request that is right', async () => {
  const { secret } = await proxy.issue(LIMITED);
  lookedUp = 0;
  expect((await proxy.chat(secret)).status).toBe(200);
  await proxy.settled();
  expect(lookedUp).toBe(0);
});
