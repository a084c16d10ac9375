import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '#adapters/sqlite/database.ts';
import { LIMITS } from '#adapters/sqlite/limits.ts';
import { openWriter } from '#adapters/sqlite/writer.ts';
import { calendarOf } from '#core/window.ts';
import { idOf, keyNumber, reserving } from '#test/conformance/specimens.ts';
import { memoryFolder } from '#test/fakes/memory-folder.ts';
import { bundleScript, runScript } from './bundled-script.ts';
import { hasStrace } from './killed-script.ts';
import { notOnce, problemsOf, readDatabase } from './ledger-file.ts';
import { WRITING } from './writing-script.ts';

const REQUESTS = 2;
const SAID_AT_MOST = 1 + 2 * 2 * REQUESTS - 1;

/** What fails, how a disk says so, more of them than the program asks for, and each which of them is tried. */
const FAILURES = [
  { call: 'pwrite64', error: 'ENOSPC', most: 121, every: 3 },
  { call: 'fsync', error: 'EIO', most: 30, every: 1 },
  { call: 'pread64', error: 'EIO', most: 200, every: 8 },
  { call: 'ftruncate', error: 'EIO', most: 6, every: 1 },
  { call: 'unlink', error: 'EIO', most: 6, every: 1 },
] as const;

type Failure = (typeof FAILURES)[number] & { readonly suffix: '' | '+' };

/**
 * Lives through the same requests again and again, each time in a thread of its own, on a new database at the same path.
 * strace counts the calls of each thread: what is called in vain before lets an earlier call of the requests be the one
 * that fails.
 */
const SCRIPT = `${WRITING}
import { closeSync, fstatSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readFileSync, readSync, renameSync, unlinkSync, writeFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

const [, , template, path, call, most, every] = process.argv;
const IN_VAIN = {
  pwrite64: (file) => writeSync(file, Buffer.alloc(0), 0, 0, 0),
  fsync: (file) => fsyncSync(file),
  pread64: (file) => readSync(file, Buffer.alloc(1), 0, 1, 0),
  ftruncate: (file) => ftruncateSync(file, fstatSync(file).size),
  unlink: () => { try { unlinkSync(path + '-wal'); } catch {} },
};

async function live() {
  const fresh = readFileSync(template);
  for (let nth = Number(most); nth > 0; nth -= Number(every)) {
    mkdirSync(dirname(path));
    writeFileSync(path, fresh);
    const thread = new Worker(__filename, { workerData: nth, argv: process.argv.slice(2), stderr: true });
    // It may fail in many ways, and each is an end.
    thread.on('error', () => undefined);
    await new Promise((resolve) => thread.on('exit', resolve));
    renameSync(dirname(path), dirname(path) + '-' + nth);
  }
}

if (isMainThread) live();
else {
  const file = openSync(path, 'r+');
  for (let calls = Number(most) - workerData; calls > 0; calls -= 1) IN_VAIN[call](file);
  closeSync(file);
  const acknowledged = openSync(dirname(path) + '/acknowledged', 'a');
  write(path, 'as it is', ${REQUESTS}, (said) => writeSync(acknowledged, said + '\\n'));
  writeSync(acknowledged, 'end\\n');
}
`;

let folder: string;
let script: string;
beforeAll(async () => {
  folder = memoryFolder('failing-disk');
  script = await bundleScript(SCRIPT, join(folder, 'writing.cjs'));
  openDatabase(join(folder, 'template.db')).close();
});
afterAll(() => rmSync(folder, { recursive: true }));

test.skipIf(!hasStrace).each(FAILURES)(
  'D5: the n-th $call fails, once or from then on, from the first to the last: what was acknowledged is there, and once',
  async (failure) => {
    const kinds: readonly Failure[] = [
      { ...failure, suffix: '' },
      { ...failure, suffix: '+' },
    ];
    const homes = await Promise.all(kinds.map(lives));
    for (const [index, kind] of kinds.entries()) {
      const said =
        homes[index]?.map(({ home, nth }) => check(home, `${kind.call} ${nth}${kind.suffix}`)) ?? [];
      // The last calls that fail are none of the program's: all was said.
      expect(said.at(-1)).toEqual(said.at(-2));
      expect(said.at(-1)?.length).toBe(SAID_AT_MOST);
      // The same check, of a store that says so whether it could write or not.
      const isLost = kind.suffix === '+' && (kind.call === 'pwrite64' || kind.call === 'fsync');
      const [first] = homes[index] ?? [];
      if (isLost) expect(wrong(join(first?.home ?? '', 'quota.db'), said.at(-1) ?? [])).not.toEqual([]);
    }
  },
);

/** All that was left behind, by the number of the call that failed. */
async function lives({ call, error, most, every, suffix }: Failure) {
  const home = join(folder, `${call}${suffix === '' ? '-once' : '-from-then-on'}`);
  const path = join(home, 'quota.db');
  const trace = `${home}.trace`;
  const ended = await runScript(
    script,
    [join(folder, 'template.db'), path, call, String(most), String(every)],
    [
      ...['strace', '-f', '--seccomp-bpf', '-o', trace, '-e', `trace=${call}`],
      ...['-P', path, '-P', `${path}-wal`, '-e', `inject=${call}:error=${error}:when=${most}${suffix}`],
    ],
  );
  expect(ended.exitCode, ended.stderr).toBe(0);
  const tried = Array.from({ length: Math.ceil(most / every) }, (_, index) => most - index * every).reverse();
  return tried.map((nth) => ({ nth, home: `${home}-${nth}` }));
}

/** What was acknowledged; it is there, now and after the next start, which goes on from it. */
function check(home: string, where: string): readonly string[] {
  const path = join(home, 'quota.db');
  const said = readFileSync(join(home, 'acknowledged'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && line !== 'end');
  expect(wrong(path, said), where).toEqual([]);
  const writer = openWriter(openDatabase(path), calendarOf('UTC'), LIMITS);
  if (said.includes('key')) {
    const [answer] = writer.answer([['execute', reserving(99, keyNumber(1))]]);
    expect(answer, where).toMatchObject({ kind: 'done', value: { admitted: true } });
  }
  writer.close();
  expect(problemsOf(path), where).toEqual([]);
  expect(wrong(path, said), where).toEqual([]);
  return said;
}

/** What is missing of what was said, and what is there twice, whether it was said or not. */
function wrong(path: string, said: readonly string[]): readonly string[] {
  const asked = Array.from({ length: 2 * REQUESTS }, (_, index) => idOf('request', index + 1));
  const keys = readDatabase(path, (database) => database.prepare('SELECT count(*) FROM keys').pluck().get());
  const notInOrder = notOnce(path, asked);
  return [
    ...(said.includes('key') && keys !== 1 ? ['key'] : []),
    ...asked.flatMap((id) => {
      const { reserved, ended } = notInOrder.get(id) ?? { reserved: 1, ended: 1 };
      const missing = said.filter(
        (what) => what === `${reserved === 0 ? 'reserved' : 'ended'} ${id}` && reserved * ended === 0,
      );
      return Math.max(reserved, ended) > 1 ? [...missing, `${id} twice`] : missing;
    }),
  ];
}
