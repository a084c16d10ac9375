import { expect, test } from 'vitest';
import { openSqlite } from '#adapters/sqlite/open-sqlite.ts';
import { calendarOf } from '#core/window.ts';
import { DAY_MS, keyNumber, operation, pastUse } from '#test/conformance/specimens.ts';
import { NOON } from '#test/fakes/accounts.ts';
import { useBackups } from '#test/fakes/backups.ts';
import { problemsOf } from '#test/faults/ledger-file.ts';

const { open } = useBackups();
const UTC = calendarOf('UTC');
const TODAY = UTC.windowOf('day', NOON).startsAt;

test('what was imported before and after a snapshot comes back, with its windows, days and operations', async () => {
  const it = await open();
  const bringIn = (n: number) => {
    const key = keyNumber(n);
    const history = [pastUse(TODAY - 300 * DAY_MS, 100 * n), pastUse(TODAY, n)];
    return it.store.keys.bringIn(key, history, NOON, operation('keys.import', key.id));
  };
  await bringIn(1);
  await it.backups.backUp(NOON);
  await bringIn(2);
  await it.backups.ship(NOON + 1, 'all');
  const { file } = await it.restore();
  expect(problemsOf(file)).toEqual([]);
  const restored = await openSqlite({ path: file, calendar: UTC });
  for (const n of [1, 2]) {
    const ref = { digest: keyNumber(n).digest };
    expect(await restored.keys.account(ref)).toEqual(await it.store.keys.account(ref));
  }
  const usage = await restored.reports.usage({ groupBy: 'key_model', limit: 9 });
  expect(usage).toEqual(await it.store.reports.usage({ groupBy: 'key_model', limit: 9 }));
  expect(usage.totals).toMatchObject({ requests: 8, prompt: 303 });
  expect(await restored.operations.list({ limit: 9 })).toEqual(await it.store.operations.list({ limit: 9 }));
  await restored.close();
});
