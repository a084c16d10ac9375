import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openDatabase } from '#adapters/sqlite/database.ts';
import { finishInstall, installCopy } from '#adapters/sqlite/install-copy.ts';
import { LIMITS } from '#adapters/sqlite/limits.ts';
import { openSqlite } from '#adapters/sqlite/open-sqlite.ts';
import { openWriter, type Writer } from '#adapters/sqlite/writer.ts';
import { calendarOf } from '#core/window.ts';
import { keyNumber, operation, reserving, settling, usageOf } from '#test/conformance/specimens.ts';
import { runCommand, startServer } from '#test/fakes/server-process.ts';
import { hasStrace, killed, killsOf, type Script, traced } from './killed-script.ts';
import { problemsOf, readDatabase } from './ledger-file.ts';
import { afterPowerLoss, replay, type Step, stepsOf } from './power-loss.ts';

const CALENDAR = calendarOf('UTC');

/** Holds a database as a kill left it, its last commits only in its log, and a copy to be put in its place. */
let template: string;
let contents: { readonly old: string; readonly new: string };
let directory: string;

beforeAll(() => {
  template = mkdtempSync(join(tmpdir(), 'restore-'));
  const made = join(template, 'made');
  mkdirSync(made);
  written(join(made, 'quota.db'), 1).close();
  const writer = written(join(made, 'quota.db'), 2);
  for (const name of readdirSync(made)) cpSync(join(made, name), join(template, name));
  const old = contentsOf(join(made, 'quota.db'));
  writer.close();
  rmSync(made, { recursive: true });
  const copy = join(template, 'restoring', 'quota.db');
  mkdirSync(join(template, 'restoring'));
  written(copy, 3).close();
  contents = { old, new: contentsOf(copy) };
  for (const left of ['-wal', '-shm']) rmSync(copy + left, { force: true });
  expect(existsSync(join(template, 'quota.db-wal'))).toBe(true);
  // Of some earlier restore, which came to nothing.
  writeFileSync(join(template, 'quota.db.incoming'), 'stale');
});

afterAll(() => rmSync(template, { recursive: true }));

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'restore-'));
  begin(template);
});

afterEach(() => rmSync(directory, { recursive: true }));

test.skipIf(!hasStrace)('B7: killed at each step, a restore leaves the old or the new database', async () => {
  const seen = { unfinished: new Set<string>(), swept: new Set<string>(), started: new Set<string>() };
  for (const kill of killsOf(stepsOf(await traced(install(), directory)))) {
    begin(template);
    await killed(install(), kill);
    seen.unfinished.add(asIfThere(opened));
    seen.swept.add(asIfThere(swept));
    const found = await started();
    expect(found, JSON.stringify(kill)).toMatch(/^(old|new)$/);
    seen.started.add(found);
    if (found === 'new') continue;
    installCopy(places());
    expect(await started(), `again after ${JSON.stringify(kill)}`).toBe('new');
  }
  expect([...seen.started].sort()).toEqual(['new', 'old']);
  // Whoever restores again removes what is left of the copies that were under way.
  expect([...seen.swept].sort()).toEqual(['new', 'old']);
  // The same check of those who do not look at the journal: some begin anew.
  expect([...seen.unfinished].sort()).toEqual([
    expect.stringMatching(/^StoreRefused: .*quota\.db is missing/),
    'neither: [[],[],[]]',
    'new',
    'old',
  ]);
});

test.skipIf(!hasStrace)('B7: and so does a start that is killed while it finishes one', async () => {
  // The second time that the journal is written: all is ready, and not yet said to be.
  await killed(install(), { call: 'rename', nth: 3 });
  const cutShort = mkdtempSync(join(tmpdir(), 'restore-'));
  cpSync(directory, cutShort, { recursive: true });
  for (const kill of killsOf(stepsOf(await traced(finish(), directory)))) {
    begin(cutShort);
    await killed(finish(), kill);
    expect(await started(), JSON.stringify(kill)).toBe('new');
  }
  rmSync(cutShort, { recursive: true });
});

test.skipIf(!hasStrace)('B7: so does power loss, whatever of the unsynced steps it takes back', async () => {
  const steps = stepsOf(await traced(install(), directory));
  // Whose bytes were written by somebody else, and perhaps not synced.
  expect(steps.find(({ call }) => call === 'fsync')?.path).toBe(places().copyPath);
  const states = afterPowerLoss(steps);
  expect(states.length).toBeGreaterThan(steps.length);
  expect([...new Set(states.map(finished))].sort()).toEqual(['new', 'old']);

  // The same check, were the copy moved before it is certain that the old log is gone.
  const move = steps.findIndex(({ call, path }) => call === 'rename' && path.endsWith('.incoming'));
  const known = new Set(states.map((state) => JSON.stringify(state)));
  const unsafe = afterPowerLoss(steps.toSpliced(move - 1, 1)).filter(
    (state) => !known.has(JSON.stringify(state)),
  );
  expect(unsafe.map(finished).filter((what) => !/^(old|new)$/.test(what))).not.toEqual([]);
});

test.skipIf(!hasStrace)('B7: the server itself finishes what was killed, and serves it', async () => {
  await killed(install(), { call: 'rename', nth: 4 });
  expect(existsSync(places().storePath)).toBe(false);
  const looked = await runCommand(['doctor', '--path', places().storePath]);
  expect(looked).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/A restore was cut short at .* start/),
  });
  const server = await startServer({
    directory,
    upstreamUrl: 'http://127.0.0.1:9',
    env: { KEY_PEPPER: 'p'.repeat(32) },
  });
  const { items } = await server.admin.keys.list({ query: {} });
  expect(items.map(({ label }) => label)).toEqual(['key 3']);
  expect(await server.stop()).toBe(0);
  expect(problemsOf(server.storePath)).toEqual([]);
});

/** The data directory as it was in `from`. */
function begin(from: string): void {
  rmSync(directory, { recursive: true });
  cpSync(from, directory, { recursive: true });
}

function install(): Script {
  const code = `import { installCopy } from '#adapters/sqlite/install-copy.ts';
    installCopy(JSON.parse(process.argv[1]));`;
  return { code, argument: places() };
}

function finish(): Script {
  const code = `import { finishInstall } from '#adapters/sqlite/install-copy.ts';
    finishInstall(JSON.parse(process.argv[1]).storePath);`;
  return { code, argument: places() };
}

function places() {
  return {
    copyPath: join(directory, 'restoring', 'quota.db'),
    storePath: join(directory, 'quota.db'),
    asidePath: join(directory, 'replaced-20261125T083716Z'),
  };
}

/** A database into which the n-th key and a request of it were written. */
function written(path: string, n: number): Writer {
  const writer = openWriter(openDatabase(path), CALENDAR, LIMITS);
  const key = keyNumber(n);
  const answers = writer.answer([
    ['addKey', key, operation('keys.create', key.id)],
    ['execute', reserving(n, key)],
    ['execute', settling(n, key, usageOf(n, n))],
  ]);
  expect(answers.map(({ kind }) => kind)).toEqual(['done', 'done', 'done']);
  return writer;
}

/** Which database is there once somebody starts, or what is wrong with it. */
async function started(): Promise<string> {
  const store = await openSqlite({ path: places().storePath, calendar: CALENDAR });
  await store.close();
  expect(existsSync(`${places().storePath}.restoring`)).toBe(false);
  return whatIsThere();
}

/** The same, quicker, after power loss left these steps. */
function finished(state: readonly Step[]): string {
  begin(template);
  replay(state);
  finishInstall(places().storePath);
  return opened();
}

/** The same, where the directory of the copy is gone. */
function swept(): string {
  rmSync(join(directory, 'restoring'), { recursive: true });
  finishInstall(places().storePath);
  return opened();
}

/** The same for those who know of no journal. */
function opened(): string {
  const { storePath } = places();
  try {
    openWriter(openDatabase(storePath), CALENDAR, LIMITS).close();
  } catch (error) {
    return String(error);
  }
  return whatIsThere();
}

/** Looks, and leaves the data directory as it is. */
function asIfThere(look: () => string): string {
  const saved = mkdtempSync(join(tmpdir(), 'restore-'));
  cpSync(directory, saved, { recursive: true });
  const found = look();
  begin(saved);
  rmSync(saved, { recursive: true });
  return found;
}

function whatIsThere(): string {
  const { storePath, asidePath } = places();
  const aside = join(asidePath, 'quota.db');
  const problems = problemsOf(storePath);
  const found = contentsOf(storePath);
  if (problems.length > 0) return problems.join('\n');
  if (found === contents.old) return 'old';
  if (found !== contents.new) return `neither: ${found}`;
  if (existsSync(`${storePath}.incoming`)) return 'new, with remains';
  const isKept = existsSync(aside) && contentsOf(aside) === contents.old;
  return isKept ? 'new' : 'new, and the old one is lost';
}

/** All that was ever recorded, with what is only in the log. */
function contentsOf(path: string): string {
  return readDatabase(path, (database) =>
    JSON.stringify(
      ['keys', 'ledger', 'operations'].map((table) => database.prepare(`SELECT * FROM ${table}`).all()),
    ),
  );
}
