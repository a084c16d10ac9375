import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { examine } from '#adapters/sqlite/doctor.ts';
import { LIMITS } from '#adapters/sqlite/limits.ts';
import { openSqlite } from '#adapters/sqlite/open-sqlite.ts';
import type { Calendar } from '#core/window.ts';
import { testStore } from './store-conformance.ts';
import type { StoreUnderTest } from './store-under-test.ts';

const folder = mkdtempSync(join(tmpdir(), 'quota-proxy-'));
let databases = 0;
afterAll(() => rmSync(folder, { recursive: true }));

testStore('sqlite', (calendar) => subject(join(folder, `${databases++}.db`), calendar));

async function subject(path: string, calendar: Calendar): Promise<StoreUnderTest> {
  return {
    // So little memory that accounts are written back and forgotten all the time.
    store: await openSqlite({ path, calendar, limits: { ...LIMITS, tailEntries: 6, accounts: 1 } }),
    crash: () => subject(imageOf(path), calendar),
    problems: async () =>
      examine(path).flatMap(({ name, problems }) => problems.map((problem) => `${name}: ${problem}`)),
  };
}

/** The files as a kill at this moment leaves them: taken between two commits, while the store is open. */
function imageOf(path: string): string {
  const image = join(folder, `${databases++}.db`);
  for (const part of ['', '-wal']) if (existsSync(path + part)) copyFileSync(path + part, image + part);
  return image;
}
