import type { Release, Reserve, Settle } from '#core/command.ts';
import type { Outcome } from '#core/ledger-entry.ts';
import type { ApiKey, Quota, UnitPrices, Usage } from '#core/model.ts';
import type { OperationDraft } from '#core/operation.ts';
import type { PastUse } from '#core/past-use.ts';
import type { Rotation } from '#core/rotate.ts';
import { keyWith, NOON } from '#test/fakes/accounts.ts';

export const MINUTE_MS = 60_000;
export const DAY_MS = 24 * 60 * MINUTE_MS;

/** One micro for each token, so that costs can be read off. */
const PRICES: UnitPrices = {
  ...{ version: 'v1', input: 1e6, cachedInput: 1e6, cacheWrite: 1e6 },
  ...{ output: 1e6, reasoning: 1e6, request: 0 },
};
export const SERVED: Outcome = { status: 200, upstreamMs: 120, durationMs: 340, upstream: 'a' };
export const FAILED: Outcome = { status: 502, upstreamMs: null, durationMs: 90, upstream: null };

/** The n-th UUIDv7 of a family: ascending with `n`. */
export function idOf(family: 'key' | 'request', n: number): string {
  const digits = n.toString(16).padStart(12, '0');
  return `${digits.slice(0, 8)}-${digits.slice(8)}-7000-8000-${family === 'key' ? '000000000001' : '000000000002'}`;
}

/** The n-th key. What a test is not about allows everything. */
export function keyNumber(n: number, changes: Partial<ApiKey> = {}): ApiKey {
  const own = {
    id: idOf('key', n),
    digest: n.toString(16).padStart(64, '0'),
    hint: `sk-${n}…wxyz`,
    label: `key ${n}`,
  };
  return keyWith({ ...own, ...changes });
}

/** The n-th new secret of a key, whose old one goes on to work for so long. */
export function rotation(n: number, graceMs: number, at = NOON): Rotation {
  return { at, digest: (0xabc000 + n).toString(16).padStart(64, '0'), hint: `sk-new${n}…wxyz`, graceMs };
}

/** At most so many requests a day. */
export function requestsADay(limit: number): readonly Quota[] {
  return [{ meter: 'requests', period: 'day', limit }];
}

/** Asks for request `n` with the n-th key's secret: 10 tokens in, up to 90 out. */
export function reserving(n: number, key: ApiKey, changes: Partial<Reserve> = {}): Reserve {
  const at = changes.at ?? NOON;
  return {
    kind: 'reserve',
    at,
    requestId: idOf('request', n),
    digest: key.digest,
    address: '203.0.113.7',
    call: {
      endpoint: 'chat.completions',
      model: 'm',
      stream: false,
      inputTokensMax: 10,
      outputTokensMax: 90,
      modelOutputTokensMax: null,
      outputTokensMin: 0,
      choices: 1,
    },
    prices: PRICES,
    requestsPerMinute: 0,
    lapsesAt: at + 10 * MINUTE_MS,
    ...changes,
  };
}

export function settling(n: number, key: ApiKey, usage: Usage | null, changes: Partial<Settle> = {}): Settle {
  const named = { requestId: idOf('request', n), keyId: key.id };
  return { kind: 'settle', at: NOON, ...named, usage, outcome: SERVED, ...changes };
}

export function releasing(n: number, key: ApiKey, changes: Partial<Release> = {}): Release {
  return {
    kind: 'release',
    at: NOON,
    requestId: idOf('request', n),
    keyId: key.id,
    outcome: FAILED,
    ...changes,
  };
}

export function usageOf(prompt: number, completion: number): Usage {
  return { prompt, completion, cached: 0, cacheWritten: 0, reasoning: 0 };
}

/** Two requests of a day elsewhere, one of which failed. */
export function pastUse(usedAt: number, tokens: number): PastUse {
  const used = { requests: 2, tokens, cost: tokens * 3 };
  return { usedAt, used, successes: 1, errors: 1, usage: usageOf(tokens, 0) };
}

export function operation(action: string, target = 'all', at = NOON): OperationDraft {
  return { at, actor: 'admin@203.0.113.7', action, target, details: { label: '测试', n: 1 } };
}
