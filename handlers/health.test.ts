import { expect, test } from 'vitest';
import type { StoreHealth } from '#core/ports.ts';
import { StoreUnavailable } from '#core/ports.ts';
import { healthRoutes } from './health.ts';
import { watchTroubles } from './troubles.ts';

const CLOCK = { now: () => 0, elapsedMs: () => 0 };
const CTX = { waitUntil: () => {} };

/** Asks a route of a process whose store commits or not, and which takes work or not. */
async function ask(path: string, { commits, ready }: { commits: boolean; ready: boolean }) {
  const failures: unknown[] = [];
  const check = commits
    ? async () => {}
    : async () => Promise.reject(new StoreUnavailable('/data/quota.db: disk full'));
  const health: StoreHealth = { check, status: () => Promise.reject(new Error('not asked for')) };
  const observer = {
    requestEnded: () => {},
    noticed: () => {},
    warned: () => {},
    failed: (_: string, error: unknown) => failures.push(error),
  };
  const route = healthRoutes({ health, observer, troubles: watchTroubles({ clock: CLOCK, observer }) }).find(
    (each) => each.path === path,
  );
  if (route?.access !== 'public') throw new Error(`${path} is not public`);
  const request = new Request(`http://proxy.test${path}`);
  const env = { address: '127.0.0.1', ready };
  const response = await route.handle({
    request,
    requestId: 'r',
    startedMs: 0,
    trace: null,
    params: {},
    env,
    ctx: CTX,
  });
  return { status: response.status, headers: response.headers, body: await response.json(), failures };
}

test.each(['/healthz', '/readyz'])(
  '%s is 200 while the process takes work and the store commits',
  async (path) => {
    const { status, headers, body } = await ask(path, { commits: true, ready: true });
    expect({ status, body }).toEqual({ status: 200, body: { ok: true } });
    expect(headers.get('cache-control')).toBe('no-store');
  },
);

test.each([
  { commits: false, ready: true, checks: { process: 'ok', store: 'failed' } },
  { commits: true, ready: false, checks: { process: 'stopping', store: 'ok' } },
  { commits: false, ready: false, checks: { process: 'stopping', store: 'failed' } },
])('else it is 503 and says which: %o', async ({ checks, ...state }) => {
  for (const path of ['/healthz', '/readyz']) {
    const { status, body } = await ask(path, state);
    expect({ status, body }).toEqual({ status: 503, body: { ok: false, checks } });
  }
});

test('what is wrong with the store is in the log, and not in the answer', async () => {
  const { body, failures } = await ask('/healthz', { commits: false, ready: true });
  expect(JSON.stringify(body)).not.toContain('quota.db');
  expect(String(failures)).toContain('disk full');
});

test('/livez is 200 whatever the store and the process are', async () => {
  expect(await ask('/livez', { commits: false, ready: false })).toMatchObject({
    status: 200,
    body: { ok: true },
  });
});
