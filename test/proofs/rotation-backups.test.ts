import { expect, test } from 'vitest';
import { openSqlite } from '#adapters/sqlite/open-sqlite.ts';
import { calendarOf } from '#core/window.ts';
import { keyNumber, reserving, rotation } from '#test/conformance/specimens.ts';
import { NOON } from '#test/fakes/accounts.ts';
import { useBackups } from '#test/fakes/backups.ts';
import { problemsOf } from '#test/faults/ledger-file.ts';

const { open } = useBackups();

test('keys that were rotated before and after a snapshot come back with both secrets and the end of the grace', async () => {
  const it = await open();
  const keys = [await it.addKey(), await it.addKey()];
  const rotate = (index: number) => it.store.keys.rotate(keys[index]?.id ?? '', rotation(index, 1000), null);
  await rotate(0);
  await it.backups.backUp(NOON);
  await rotate(1);
  await it.backups.ship(NOON + 1, 'all');
  const { file } = await it.restore();
  expect(problemsOf(file)).toEqual([]);
  const restored = await openSqlite({ path: file, calendar: calendarOf('UTC') });
  for (const [index, { id, digest }] of keys.entries()) {
    const key = (await it.store.keys.account({ id }))?.key;
    expect(key?.previous).toMatchObject({ digest, endsAt: NOON + 1000 });
    expect((await restored.keys.account({ id }))?.key).toEqual(key);
    const ask = async (n: number, secret: string, at: number) =>
      (await restored.ledger.execute(reserving(n, keyNumber(n, { digest: secret }), { at }))).admitted;
    const n = 10 * (index + 1);
    expect(await ask(n, digest, NOON + 999)).toBe(true);
    expect(await ask(n + 1, rotation(index, 0).digest, NOON + 999)).toBe(true);
    expect(await ask(n + 2, digest, NOON + 1000)).toBe(false);
  }
  await restored.close();
});
