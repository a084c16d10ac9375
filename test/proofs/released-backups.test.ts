import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { restoreStore } from '#adapters/container/compose-restore.ts';
import { readToolConfig } from '#adapters/container/config.ts';
import { openSqlite } from '#adapters/sqlite/open-sqlite.ts';
import { secretsUnder } from '#adapters/system/secrets-under.ts';
import type { RestoreTarget } from '#core/backup.ts';
import { calendarOf } from '#core/window.ts';
import { problemsOf, reservedCount } from '#test/faults/ledger-file.ts';

/** For each released version a vault that it made: two snapshots and the rows between and after them. Never changed. */
const FIXTURES = join(import.meta.dirname, '../fixtures');
const PEPPER = 'a-pepper-of-the-fixtures-0123456789abcdef';

const folder = mkdtempSync(join(tmpdir(), 'released-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(readdirSync(FIXTURES))('B9: %s', (name) => {
  const fixture = join(folder, name);
  cpSync(join(FIXTURES, name), fixture, { recursive: true });
  const expected: { key: string; requests: number; snapshot_requests: number } = JSON.parse(
    readFileSync(join(fixture, 'expected.json'), 'utf8'),
  );

  /** Restores as the command line does; resolves with the path. */
  async function restored(target: RestoreTarget, directory: string): Promise<string> {
    const config = readToolConfig({
      STORE_PATH: join(fixture, directory, 'quota.db'),
      BACKUP_TARGET: `file://${fixture}/vault`,
      BACKUP_ENCRYPTION_KEY_FILE: join(fixture, 'key.txt'),
    });
    if (config.backup === null) throw new Error('no target');
    const { path } = await restoreStore(config.backup, target, { ...config, file: null, force: false });
    return path;
  }

  test('its newest state is restored, migrated, and its keys are known', async () => {
    const path = await restored({ kind: 'latest' }, 'latest');
    const store = await openSqlite({ path, calendar: calendarOf('UTC') });
    const digest = secretsUnder(new TextEncoder().encode(PEPPER)).digest(expected.key);
    const account = await store.keys.account({ digest });
    await store.close();
    expect(account?.key.label).toBe('张三');
    expect(account?.buckets.find(({ period }) => period === 'total')?.used.requests).toBe(expected.requests);
    expect(reservedCount(path)).toBe(expected.requests);
    expect(problemsOf(path)).toEqual([]);
  });

  test('its newest snapshot is restored as it was', async () => {
    const ids = readdirSync(join(fixture, 'vault/snapshots'), { recursive: true }).flatMap(
      (file) => /(\d{8}T\d{6}Z)\.json$/.exec(String(file))?.[1] ?? [],
    );
    const id = ids.sort().at(-1) ?? '';
    const path = await restored({ kind: 'snapshot', id }, 'snapshot');
    expect(reservedCount(path)).toBe(expected.snapshot_requests);
    expect(problemsOf(path)).toEqual([]);
  });
});
