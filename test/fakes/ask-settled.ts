import { expect } from 'vitest';
import type { ProxyUnderTest } from './proxy.ts';

/** Asks, waits until it is settled, and says what the ledger has of it. */
export async function askSettled(under: ProxyUnderTest, secret: string, body: object = {}) {
  const before = (await under.store.health.status()).entries;
  const reply = await under.chat(secret, body);
  const text = await reply.text();
  await under.settled();
  const receipt = await under.store.reports.receipt(reply.headers.get('x-request-id') ?? '');
  // Reserved once, and ended once: two entries, whatever happened in between.
  expect((await under.store.health.status()).entries - before).toBe(2);
  expect((await under.store.health.status()).openReservations).toBe(0);
  return { reply, text, receipt };
}
