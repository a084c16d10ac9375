import type { RequestEnded } from '#core/observer.ts';

/** A request that was served, with all that can be known of it. */
export const SERVED: RequestEnded = {
  requestId: '01a20d76-957b-7026-a6b3-c950249c6d9c',
  method: 'POST',
  route: '/v1/chat/completions',
  address: '203.0.113.7',
  keyId: '01a20d76-8701-70a6-a627-72bfa49ec99e',
  model: 'demo',
  upstream: 'upstream',
  status: 200,
  reason: null,
  usage: { prompt: 7, completion: 5, cached: 3, cacheWritten: 0, reasoning: 2 },
  charge: { used: { requests: 1, tokens: 12, cost: 34 }, source: 'upstream', priced: true },
  storeMs: 0.1234,
  upstreamMs: 11,
  addedMs: 0.5678,
  durationMs: 12,
};
