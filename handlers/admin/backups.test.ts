import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createAdminClient } from '#handlers/admin/client.ts';
import { NOON } from '#test/fakes/accounts.ts';
import { openAdmin } from '#test/fakes/admin.ts';
import type { BackupsUnderTest } from '#test/fakes/backups.ts';
import { openBackups } from '#test/fakes/backups.ts';
import { ADMIN_TOKEN } from '#test/fakes/policy.ts';
import { openProxy } from '#test/fakes/proxy.ts';
import { completion, sendJson } from '#test/fakes/upstream-server.ts';

const closing: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of closing.splice(0).reverse()) await each.close();
});

/** The admin API of a proxy whose store is backed up. */
async function openBackedUp() {
  const it = await openBackups();
  closing.push(it);
  const proxy = await openProxy({
    behaviour: (_, response) => sendJson(response, completion(10, 5)),
    openStore: () => ({ ...it.store, close: async () => undefined }),
    backups: it.backups,
  });
  closing.push(proxy);
  const ask = (path: string, method = 'GET') =>
    proxy.fetch(path, { method, headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
  const admin = createAdminClient({
    baseUrl: 'http://proxy.test',
    token: ADMIN_TOKEN,
    fetch: ({ url, method }) => ask(url.slice('http://proxy.test'.length), method),
  });
  return { it, proxy, admin, ask };
}

function snapshotOf(it: BackupsUnderTest): string {
  return join(it.vaultPath, it.objects().find((name) => name.endsWith('.db.zst')) ?? '');
}

test('a backup is made, listed, drilled, and shown in the status and the operation log', async () => {
  const { it, admin, ask } = await openBackedUp();
  expect((await admin.status.get()).backup).toMatchObject({ last: null, drill: null, segment: 0 });
  const key = await it.addKey();
  await it.request(key, 3);
  const made = await admin.backups.create();
  expect(made).toMatchObject({ entries: 6, encrypted: false, verified: true, drill: null, age_ms: 0 });
  const drilled = await admin.backups.drill({ params: { id: made.id } });
  expect(drilled).toMatchObject({ id: made.id, ok: true, problems: [] });
  const { items, location, problems } = await admin.backups.list();
  expect(location).toBe(it.parts.vault.location);
  expect(problems).toEqual([]);
  expect(items).toMatchObject([{ id: made.id, verified: true, drill: { ok: true } }]);
  const status = await (await ask('/admin/status')).json();
  const { backup, warnings } = await admin.status.get();
  const again = await admin.status.get();
  // What others write to the disk meanwhile is not the proxy's to say.
  const store = { ...again.store, disk_free_bytes: expect.any(Number) };
  expect(status).toEqual({ ...again, store, uptime_ms: expect.any(Number) });
  expect(backup).toMatchObject({
    location,
    last: { id: made.id, age_ms: 0 },
    drill: { id: made.id, ok: true },
    vault: { conditional_writes: true, deletes: true },
    troubles: [],
  });
  expect(warnings).toEqual([]);
  const log = await admin.operations.list();
  expect(log.items.map(({ action, target }) => [action, target])).toEqual([
    ['backups.drill', made.id],
    ['backups.create', made.id],
    ['keys.create', key.id],
  ]);
});

test('the list has pages, newest first', async () => {
  const { it, proxy, admin, ask } = await openBackedUp();
  const made: string[] = [];
  for (let n = 0; n < 3; n += 1) {
    it.clock.now = NOON + n * 60_000;
    proxy.clock.now = it.clock.now;
    made.unshift((await admin.backups.create()).id);
  }
  const first = await admin.backups.list({ query: { limit: 2 } });
  expect(first.items.map(({ id }) => id)).toEqual(made.slice(0, 2));
  expect(first.next_cursor).toBe(made[1]);
  const second = await admin.backups.list({ query: { limit: 2, cursor: first.next_cursor ?? '' } });
  expect(second.items.map(({ id }) => id)).toEqual(made.slice(2));
  expect(second.next_cursor).toBeNull();
  const whole = await admin.backups.list();
  expect(whole.items).toHaveLength(3);
  expect(whole.next_cursor).toBeNull();
  const { error } = JSON.parse(await (await ask('/admin/backups?cursor=x')).text());
  expect(error).toMatchObject({ code: 'invalid_query', param: 'cursor' });
});

test('a backup that does not restore is a warning until another one does', async () => {
  const { it, proxy, admin } = await openBackedUp();
  await it.addKey();
  const { id } = await admin.backups.create();
  rmSync(snapshotOf(it));
  const drilled = await admin.backups.drill({ params: { id } });
  expect(drilled.ok).toBe(false);
  expect(drilled.problems[0]).toMatch(/\.db\.zst is missing/);
  expect((await admin.backups.list()).items).toMatchObject([{ id, verified: false, drill: { ok: false } }]);
  expect((await admin.status.get()).warnings).toEqual([
    expect.stringMatching(new RegExp(`^Backup ${id} does not restore: .* is missing`)),
  ]);
  it.clock.now = NOON + 60_000;
  proxy.clock.now = it.clock.now;
  const next = await it.backups.backUp(it.clock.now);
  await it.backups.drill(next.id, it.clock.now);
  expect((await admin.status.get()).warnings).toEqual([]);
});

test('what fails is told with its reason, logged once, and is a warning', async () => {
  const { it, admin, ask } = await openBackedUp();
  rmSync(it.vaultPath, { recursive: true });
  const response = await ask('/admin/backups', 'POST');
  expect(response.status).toBe(502);
  expect(await response.json()).toMatchObject({ error: { code: 'vault_failed' } });
  expect((await admin.status.get()).warnings).toEqual([
    expect.stringMatching(/^The backup failed at .*vault/),
  ]);
});

test('an id that is none, and one that is not there', async () => {
  const { ask } = await openBackedUp();
  expect((await ask('/admin/backups/latest/drill', 'POST')).status).toBe(400);
  const missing = await ask('/admin/backups/20261125T083716Z/drill', 'POST');
  expect(missing.status).toBe(404);
  expect(await missing.json()).toMatchObject({ error: { code: 'backup_not_found' } });
});

test('where none are made, that is said', async () => {
  const { proxy, admin, ask } = await openAdmin();
  closing.push(proxy);
  for (const [method, path] of [
    ['GET', ''],
    ['POST', ''],
    ['POST', '/20261125T083716Z/drill'],
  ] as const) {
    const { status, error } = await ask(method, `/admin/backups${path}`);
    expect([status, error?.code]).toEqual([409, 'backups_off']);
    expect(error?.message).toMatch(/BACKUP_TARGET/);
  }
  expect((await admin.status.get()).backup).toBeNull();
});
