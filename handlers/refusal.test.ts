import { expect, test } from 'vitest';
import type { Denial, Standing } from '#core/decision.ts';
import { NOON } from '#test/fakes/accounts.ts';
import { refuse } from './refusal.ts';

const full = (given: Partial<Standing> = {}): Standing => ({
  meter: 'tokens',
  period: 'day',
  limit: 1_000,
  used: 900,
  held: 50,
  resetsAt: NOON + 43_200_000,
  ...given,
});
const rate = { requestsPerMinute: 60, remaining: 0, resetMs: 60_000 };

interface Said {
  readonly status: number;
  readonly type: string;
  readonly code: string;
  readonly retry?: string;
  readonly never?: true;
  readonly message: RegExp;
}

const INVALID = { status: 401, type: 'invalid_request_error', code: 'invalid_api_key', never: true } as const;
const RATE = { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded' } as const;
const QUOTA = { status: 429, type: 'insufficient_quota', code: 'insufficient_quota', never: true } as const;
const FORBIDDEN = { status: 403, type: 'permission_error', never: true } as const;
const OURS = { status: 401, type: 'authentication_error', never: true } as const;

test.each<{ name: string; denial: Denial; said: Said }>([
  {
    name: 'unknown',
    denial: { kind: 'unknown_key' },
    said: { ...INVALID, message: /^Incorrect API key provided/ },
  },
  {
    name: 'deleted',
    denial: { kind: 'deleted_key' },
    said: { ...INVALID, message: /^Incorrect API key provided/ },
  },
  {
    name: 'disabled',
    denial: { kind: 'key_disabled' },
    said: { ...OURS, code: 'key_disabled', message: /disabled/ },
  },
  {
    name: 'expired',
    denial: { kind: 'key_expired', expiredAt: NOON },
    said: { ...OURS, code: 'key_expired', message: /2026-11-24T12:00:00/ },
  },
  {
    name: 'address',
    denial: { kind: 'ip_not_allowed', address: '192.0.2.1' },
    said: { ...FORBIDDEN, code: 'ip_not_allowed', message: /192\.0\.2\.1/ },
  },
  {
    name: 'model',
    denial: { kind: 'model_not_allowed', model: 'x', models: ['a', 'b'] },
    said: { ...FORBIDDEN, code: 'model_not_allowed', message: /'x'.*a, b/ },
  },
  {
    name: 'price',
    denial: { kind: 'model_not_priced', model: 'x' },
    said: {
      status: 400,
      type: 'invalid_request_error',
      code: 'model_not_priced',
      never: true,
      message: /no price/,
    },
  },
  {
    name: 'in flight',
    denial: { kind: 'too_many_in_flight', maxConcurrency: 2 },
    said: { ...RATE, message: /2 requests/ },
  },
  {
    name: 'rate',
    denial: { kind: 'rate_exceeded', rate, retryMs: 1_001 },
    said: { ...RATE, retry: '2', message: /60 requests per minute/ },
  },
  {
    name: 'day quota',
    denial: { kind: 'quota_exceeded', holder: 'key', standing: full(), asked: 101 },
    said: {
      ...QUOTA,
      message: /1000 tokens per day is used up: 900 used, 50 held.*2026-11-25T00:00:00[.0]+Z\.$/,
    },
  },
  {
    name: 'day quota of which requests in flight hold what would do',
    denial: { kind: 'quota_exceeded', holder: 'key', standing: full(), asked: 100 },
    said: {
      ...QUOTA,
      message: /Z\. What requests in flight hold and do not use is free again when they have ended\.$/,
    },
  },
  {
    name: 'quota of a minute',
    denial: {
      kind: 'quota_exceeded',
      holder: 'key',
      standing: full({ period: 'minute', resetsAt: NOON + 30_000 }),
      asked: 100,
    },
    said: { ...RATE, retry: '30', message: /per minute/ },
  },
  {
    name: 'quota of a minute that the request can never fit',
    denial: {
      kind: 'quota_exceeded',
      holder: 'key',
      standing: full({ period: 'minute', resetsAt: NOON + 30_000 }),
      asked: 1_001,
    },
    said: { ...QUOTA, message: /too large/ },
  },
  {
    name: 'quota that allows nothing',
    denial: {
      kind: 'quota_exceeded',
      holder: 'key',
      standing: full({ limit: 0, used: 0, held: 0 }),
      asked: 1,
    },
    said: { ...QUOTA, message: /quota of 0 tokens per day allows none\. Ask/ },
  },
  {
    name: 'total',
    denial: {
      kind: 'quota_exceeded',
      holder: 'key',
      standing: full({ period: 'total', resetsAt: null }),
      asked: 100,
    },
    said: { ...QUOTA, message: /in total is used up/ },
  },
  {
    name: 'sponsor who allows nothing',
    denial: { kind: 'quota_exceeded', holder: 'sponsor', standing: full({ limit: 0 }), asked: 1 },
    said: { ...QUOTA, message: /^The shared quota of this service allows none\. Ask whoever runs it\.$/ },
  },
  {
    name: 'more than the sponsor ever allows',
    denial: { kind: 'quota_exceeded', holder: 'sponsor', standing: full(), asked: 1_001 },
    said: { ...QUOTA, message: /^This request is too large for the shared quota of this service\.$/ },
  },
  {
    name: 'sponsor',
    denial: { kind: 'quota_exceeded', holder: 'sponsor', standing: full(), asked: 101 },
    said: { ...QUOTA, message: /^The shared quota of this service is used up\. It starts anew at [^ ]+$/ },
  },
])('refusal: $name', async ({ denial, said }) => {
  const reply = refuse(denial, NOON, { 'x-request-id': 'r' });
  const { error } = (await reply.json()) as { error: Record<string, unknown> };
  expect(reply.status).toBe(said.status);
  expect(error).toMatchObject({ type: said.type, code: said.code });
  expect(Object.keys(error).sort()).toEqual(['code', 'message', 'param', 'type']);
  expect(error['message']).toMatch(said.message);
  expect(reply.headers.get('retry-after')).toBe(said.retry ?? null);
  expect(reply.headers.get('x-should-retry')).toBe(said.never === true ? 'false' : null);
  expect(reply.headers.get('www-authenticate')).toBe(said.status === 401 ? 'Bearer' : null);
  expect(reply.headers.get('x-request-id')).toBe('r');
});
