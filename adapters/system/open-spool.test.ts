import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SpoolFull } from '#core/spool.ts';
import { openSpool } from './open-spool.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spool-'));
  path = join(directory, 'quota.db.spool');
});
afterEach(() => rmSync(directory, { recursive: true }));

test('folders are new, for this user alone, and gone with all that is in them', async () => {
  const spool = await openSpool({ path, bytesMax: 1e6 });
  const [one, other] = [await spool.open('backup', 10), await spool.open('backup', 10)];
  expect(one.pathOf('a')).not.toBe(other.pathOf('a'));
  await one.append('a', 'one\n');
  await one.append('a', 'two\n');
  expect(readFileSync(one.pathOf('a'), 'utf8')).toBe('one\ntwo\n');
  expect(statSync(one.pathOf('a')).mode & 0o777).toBe(0o600);
  expect(statSync(join(one.pathOf('a'), '..')).mode & 0o777).toBe(0o700);
  await one.remove('a');
  await one.remove('never there');
  expect(existsSync(one.pathOf('a'))).toBe(false);
  await one.close();
  expect(existsSync(path)).toBe(true);
  await other.close();
  expect(existsSync(path)).toBe(false);
});

test('what an earlier process left is removed', async () => {
  mkdirSync(join(path, 'backup-1'), { recursive: true });
  writeFileSync(join(path, 'backup-1', 'quota.db'), 'half');
  const spool = await openSpool({ path, bytesMax: 1e6 });
  const folder = await spool.open('backup', 1);
  expect(existsSync(folder.pathOf('quota.db'))).toBe(false);
});

test('more than is allowed, and more than is free, is refused before anything is written', async () => {
  const bounded = await openSpool({ path, bytesMax: 1000 });
  await expect(bounded.open('backup', 1001)).rejects.toThrow(
    /BACKUP_SPOOL_BYTES_MAX allows 0\.0 MB: raise it/,
  );
  const unbounded = await openSpool({ path, bytesMax: Number.POSITIVE_INFINITY });
  const refused = unbounded.open('drill', 1e18);
  await expect(refused).rejects.toBeInstanceOf(SpoolFull);
  await expect(refused).rejects.toThrow(/A drill needs .* are free at .*quota\.db\.spool, .* make room/);
});
