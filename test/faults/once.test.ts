import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Asking, askOnce, type Moment } from './ask-once.ts';
import { problemsOf, readDatabase } from './ledger-file.ts';

const REPOSITORY = join(import.meta.dirname, '../..');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'once-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Asks in a process of its own, which is killed on the way. */
async function askAndDie(asking: Asking): Promise<void> {
  const code = `import { askOnce } from '#test/faults/ask-once.ts';
    await askOnce(JSON.parse(process.argv[1]));`;
  const child = spawn(
    process.execPath,
    ['--input-type=module-typescript', '-e', code, JSON.stringify(asking)],
    { cwd: REPOSITORY, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const [[, signal], said] = await Promise.all([
    once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
    text(child.stderr),
  ]);
  if (signal !== 'SIGKILL') throw new Error(`it was not killed: ${said}`);
}

/** Asks until there is an answer: the first time with a kill. How many keys and operations that made. */
async function askKilled(moment: Moment, inTwo: boolean) {
  const storePath = join(folder, 'quota.db');
  await askAndDie({ storePath, moment, inTwo });
  const first = await askOnce({ storePath, moment: 'never', inTwo });
  const second = await askOnce({ storePath, moment: 'never', inTwo });
  const count = (table: string) =>
    readDatabase(storePath, (database) => database.prepare(`SELECT count(*) FROM ${table}`).pluck().get());
  expect(problemsOf(storePath)).toEqual([]);
  return { same: first === second, keys: count('keys'), operations: count('operations') };
}

const ONCE = { same: true, keys: 1, operations: 1 };

test.each(['within', 'after'] as const)(
  'killed %s the commit, the call that is made again is done once, and answered the same ever after',
  async (moment) => {
    expect(await askKilled(moment, false)).toEqual(ONCE);
  },
);

test('the control: with the answer in a commit of its own, a kill between the two makes a second key', async () => {
  expect(await askKilled('after', true)).toEqual({ ...ONCE, keys: 2, operations: 2 });
});
