import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '#adapters/sqlite/database.ts';
import { memoryFolder } from '#test/fakes/memory-folder.ts';
import { randomOf } from '#test/fakes/random-of.ts';
import { bundleScript, runScript } from './bundled-script.ts';
import { type DiskStep, diskStepsOf, OTHER_WRITES, STRACE_DISK } from './disk-steps.ts';
import { hasStrace } from './killed-script.ts';
import { problemsOf } from './ledger-file.ts';
import { type Luck, poweredDisk } from './powered-disk.ts';
import { WRITING } from './writing-script.ts';

const REQUESTS = 6;
const LUCKS: readonly Luck[] = ['nothing', 'everything', 'some', 'some', 'some sectors'];

const SCRIPT = `${WRITING}
import { writeSync } from 'node:fs';
write(process.argv[2], process.argv[3], ${REQUESTS}, (said) => writeSync(1, said + '\\n'));
`;

let folder: string;
let script: string;
beforeAll(async () => {
  folder = memoryFolder('power-loss');
  script = await bundleScript(SCRIPT, join(folder, 'writing.cjs'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test.skipIf(!hasStrace)(
  'D3: power loss at any moment takes nothing back that was acknowledged, and damages nothing',
  async () => {
    const steps = await recorded('as it is');
    const acknowledged = steps.filter(({ does }) => does === 'say').length;
    expect(acknowledged).toBe(1 + 12 + 9);
    const found = outcomes(steps);
    expect(found.states).toBeGreaterThan(200);
    expect(found).toEqual({ states: found.states, lost: [], damaged: [] });
  },
);

test.skipIf(!hasStrace)('D3: the same losses find what a store forgets that syncs less', async () => {
  const normal = outcomes(await recorded('NORMAL'), ({ lost }) => lost.length > 10);
  expect(normal.lost.length).toBeGreaterThan(10);
  expect(normal.damaged).toEqual([]);
  const off = outcomes(await recorded('OFF'), ({ damaged }) => damaged.length > 0);
  expect(off.damaged).not.toEqual([]);
});

/** What the program did to its files, from the first one on. */
async function recorded(synchronous: string): Promise<readonly DiskStep[]> {
  const home = join(folder, synchronous);
  mkdirSync(home);
  const output = join(folder, `${synchronous}.trace`);
  const { exitCode, stderr } = await runScript(
    script,
    [join(home, 'quota.db'), synchronous],
    [...STRACE_DISK, '-o', output],
  );
  expect(exitCode, stderr).toBe(0);
  const trace = readFileSync(output, 'utf8');
  expect(trace).not.toMatch(OTHER_WRITES);
  return diskStepsOf(trace, home);
}

interface Outcomes {
  states: number;
  readonly lost: string[];
  readonly damaged: string[];
}

/** Takes the power away after each step, with each luck, and starts again on what is left, until that is enough. */
function outcomes(steps: readonly DiskStep[], isEnough = (_found: Outcomes) => false): Outcomes {
  const random = randomOf(7);
  const disk = poweredDisk();
  const said: string[] = [];
  const known = new Set<string>();
  const found: Outcomes = { states: 0, lost: [], damaged: [] };
  for (const [index, step] of steps.entries()) {
    if (step.does === 'say') said.push(step.text.trim());
    disk.do(step);
    // Between two writes that nothing depends on yet, not every moment is another one.
    if (step.does === 'write' && index % 5 !== 0) continue;
    for (const luck of LUCKS) {
      const files = disk.afterPowerLoss(luck, random);
      const print = `${printOf(files)} ${said.length}`;
      if (known.has(print)) continue;
      known.add(print);
      found.states += 1;
      const where = `after step ${index}, with ${luck} left`;
      try {
        found.lost.push(...missingFrom(putDown(files), said).map((what) => `${what} ${where}`));
      } catch (error) {
        found.damaged.push(`${where}: ${String(error)}`);
      }
    }
    if (isEnough(found)) break;
  }
  return found;
}

function putDown(files: ReadonlyMap<string, Buffer>): string {
  const home = join(folder, 'found');
  rmSync(home, { recursive: true, force: true });
  mkdirSync(home);
  for (const [path, content] of files) writeFileSync(join(home, basename(path)), content);
  return join(home, 'quota.db');
}

/** What was acknowledged, and is not there. @throws Error if the database cannot be served from, or is not sound */
function missingFrom(path: string, said: readonly string[]): readonly string[] {
  const database = openDatabase(path);
  const missing = said.filter((what) => !isThere(database, what));
  database.close();
  const problems = problemsOf(path);
  if (problems.length > 0) throw new Error(problems.join('; '));
  return missing;
}

function isThere(database: Database.Database, said: string): boolean {
  const [what, id = ''] = said.split(' ');
  const count = (sql: string, ...of: unknown[]) =>
    database
      .prepare<unknown[], number>(sql)
      .pluck()
      .get(...of);
  if (what === 'key') return count('SELECT count(*) FROM keys') === 1;
  const sql = 'SELECT count(*) FROM ledger WHERE request_id = ? AND ending = ?';
  return count(sql, Buffer.from(id.replaceAll('-', ''), 'hex'), what === 'ended' ? 1 : 0) === 1;
}

function printOf(files: ReadonlyMap<string, Buffer>): string {
  const hash = createHash('sha1');
  for (const [path, content] of files) hash.update(`${path} ${content.length} `).update(content);
  return hash.digest('hex');
}
