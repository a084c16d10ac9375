import { Registry } from 'prom-client';
import { beforeEach, expect, test } from 'vitest';
import type { RequestEnded } from '#core/observer.ts';
import { SERVED } from '#test/fakes/served.ts';
import { requestMetrics } from './request-metrics.ts';

const ENDED: RequestEnded = {
  ...SERVED,
  ...{ storeMs: 2, upstreamMs: 700, addedMs: 0.7, durationMs: 900 },
  usage: { prompt: 7, completion: 5, cached: 3, cacheWritten: 0, reasoning: 0 },
};
const REFUSED: RequestEnded = {
  ...ENDED,
  ...{ status: 429, reason: 'quota_exceeded', usage: null, charge: null, upstreamMs: null, addedMs: null },
};

let registry: Registry;
let ended: (event: RequestEnded) => void;

beforeEach(() => {
  registry = new Registry();
  ended = requestMetrics(registry);
});

/** The samples that are not 0, without buckets. */
async function samples(): Promise<Record<string, number>> {
  const lines = (await registry.metrics()).split('\n').filter((line) => /^quota/.test(line));
  const all = lines.map((line) => [line.replace(/ \S+$/, ''), Number(line.split(' ').at(-1))] as const);
  return Object.fromEntries(
    all
      .filter(([name, value]) => value !== 0 && !name.includes('_bucket'))
      .map(([name, value]) => [name.replace('quota_proxy_', ''), value]),
  );
}

test('a served request counts with all that it took and was charged', async () => {
  ended(ENDED);
  const route = 'route="/v1/chat/completions"';
  expect(await samples()).toEqual({
    [`requests_total{${route},status="200",model="demo",reason=""}`]: 1,
    'tokens_total{model="demo",class="prompt"}': 7,
    'tokens_total{model="demo",class="completion"}': 5,
    'tokens_total{model="demo",class="cached"}': 3,
    'cost_micros_total{model="demo"}': 34,
    [`added_latency_seconds_sum{${route}}`]: 0.0007,
    [`added_latency_seconds_count{${route}}`]: 1,
    [`store_commit_seconds_sum{${route}}`]: 0.002,
    [`store_commit_seconds_count{${route}}`]: 1,
    [`upstream_latency_seconds_sum{${route}}`]: 0.7,
    [`upstream_latency_seconds_count{${route}}`]: 1,
    [`request_duration_seconds_sum{${route}}`]: 0.9,
    [`request_duration_seconds_count{${route}}`]: 1,
  });
});

test('a refused one was charged nothing, and added to nothing', async () => {
  ended(REFUSED);
  expect(Object.keys(await samples())).toEqual([
    'requests_total{route="/v1/chat/completions",status="429",model="other",reason="quota_exceeded"}',
    'store_commit_seconds_sum{route="/v1/chat/completions"}',
    'store_commit_seconds_count{route="/v1/chat/completions"}',
    'request_duration_seconds_sum{route="/v1/chat/completions"}',
    'request_duration_seconds_count{route="/v1/chat/completions"}',
  ]);
});

test('an estimate is told apart, and what has no price has no cost', async () => {
  const charge = { used: { requests: 1, tokens: 50, cost: 0 }, source: 'estimate', priced: false } as const;
  ended({ ...ENDED, usage: null, charge });
  const found = await samples();
  expect(found['estimates_total{model="demo"}']).toBe(1);
  expect(found['tokens_total{model="demo",class="completion"}']).toBe(50);
  expect(Object.keys(found).filter((name) => name.startsWith('cost'))).toEqual([]);
});

test('a model has a name once it has served somebody, and only so many have one', async () => {
  for (let n = 0; n < 1_000; n += 1) ended({ ...REFUSED, status: 404, model: `invented-${n}` });
  for (let n = 0; n < 1_000; n += 1) ended({ ...ENDED, model: `served-${n}` });
  ended({ ...REFUSED, model: 'served-1' });
  const named = Object.keys(await samples()).filter((name) => name.startsWith('requests_total'));
  expect(named).toHaveLength(1 + 200 + 1 + 1);
  const route = 'route="/v1/chat/completions"';
  expect(named).toContain(`requests_total{${route},status="429",model="served-1",reason="quota_exceeded"}`);
});
