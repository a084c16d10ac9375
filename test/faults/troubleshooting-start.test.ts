import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { copyFile, mkdtemp, open, rm, truncate, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { CommandResult } from '#test/fakes/server-process.ts';
import { runCommand, SERVER_ADMIN_TOKEN, startServer } from '#test/fakes/server-process.ts';
import type { MessageName } from './known-messages.ts';
import { patternOf } from './known-messages.ts';
import { mountMemory, testAsRoot, WITH_LOW_PORTS, WITHOUT_RIGHTS, withMountTable } from './own-machine.ts';

/** Nobody is asked there: no start gets so far. */
const UPSTREAM = 'http://127.0.0.1:9/v1';
const NOBODY = 65_534;

let template: string;
let directory: string;
const undo: (() => void | Promise<void>)[] = [];

beforeAll(async () => {
  template = await mkdtemp(join(tmpdir(), 'trouble-template-'));
  const server = await startServer({ directory: template, upstreamUrl: UPSTREAM });
  await server.admin.keys.create({ body: { label: 'kept' } });
  expect(await server.stop()).toBe(0);
});

afterAll(() => rm(template, { recursive: true }));

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'trouble-'));
});

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
  await rm(directory, { recursive: true });
});

interface Case {
  readonly name: string;
  readonly says: MessageName;
  /** Makes the trouble; where it is not in the database at `path`, the settings or the command that leads to it. */
  make(path: string): Promise<Given> | Given;
}

interface Given {
  readonly env?: Readonly<Record<string, string>>;
  readonly under?: readonly string[];
}

const places: readonly Case[] = [
  {
    name: "somebody else's directory",
    says: 'unwritableDirectory',
    make(path) {
      const home = join(directory, 'theirs');
      mkdirSync(home);
      chownSync(home, NOBODY, NOBODY);
      return { env: { STORE_PATH: path.replace('quota.db', 'theirs/quota.db') }, under: WITHOUT_RIGHTS };
    },
  },
  {
    name: "a new directory in somebody else's",
    says: 'unwritableDirectory',
    make() {
      chownSync(directory, NOBODY, NOBODY);
      chmodSync(directory, 0o755);
      return { env: { STORE_PATH: join(directory, 'new/deep/quota.db') }, under: WITHOUT_RIGHTS };
    },
  },
  {
    name: "somebody else's database",
    says: 'unwritableFile',
    async make(path) {
      await goodDatabase(path);
      chownSync(path, NOBODY, NOBODY);
      chmodSync(path, 0o600);
      return { under: WITHOUT_RIGHTS };
    },
  },
  {
    name: 'a read-only file system',
    says: 'readOnly',
    make(path) {
      undo.push(mountMemory(directory, 'ro,size=64k'));
      return { env: { STORE_PATH: path } };
    },
  },
  {
    name: 'a file in the place of the directory',
    says: 'notDirectory',
    async make(path) {
      await writeFile(path, '');
      return { env: { STORE_PATH: join(path, 'quota.db') } };
    },
  },
  {
    name: 'a directory that nobody can make',
    says: 'unmakeable',
    make: () => ({ env: { STORE_PATH: '/proc/nowhere/quota.db' } }),
  },
  {
    name: 'a directory in the place of the file',
    says: 'isDirectory',
    make(path) {
      mkdirSync(path);
      return {};
    },
  },
  ...['virtiofs', '9p', 'nfs', 'nfs4', 'cifs'].map(
    (type): Case => ({
      name: `D10: a data directory on ${type}`,
      says: 'sharedFileSystem',
      make: () => ({ under: withMountTable(directory, type) }),
    }),
  ),
];

const databases: readonly Case[] = [
  {
    name: 'a text file',
    says: 'foreign',
    make: (path) => written(path, 'hello\n'.repeat(2_000)),
  },
  {
    name: "another program's database",
    says: 'foreign',
    make: (path) => sqlite(path, 'CREATE TABLE songs (title TEXT)'),
  },
  {
    name: 'the database of an older quota-proxy',
    says: 'older',
    make: (path) => sqlite(path, 'CREATE TABLE trial_keys (key TEXT)'),
  },
  {
    name: 'a newer database',
    says: 'newer',
    make: async (path) => {
      await goodDatabase(path);
      return sqlite(path, 'PRAGMA user_version = 999');
    },
  },
  {
    name: 'D9: a torn header',
    says: 'damaged',
    make: (path) => spoiled(path, (file) => file.write(Buffer.alloc(24), 0, 24, 16)),
  },
  { name: 'D9: half of a header', says: 'damaged', make: async (path) => cut(path, 60) },
  { name: 'D9: one page of many', says: 'damaged', make: async (path) => cut(path, 4096) },
  {
    name: 'D9: a page of zeros',
    says: 'damaged',
    make: (path) => spoiled(path, (file) => file.write(Buffer.alloc(4096), 0, 4096, 4096)),
  },
  {
    name: 'D9: a damaged database where backups are made',
    says: 'damagedBackups',
    make: (path) => cut(path, 8192, withBackups()),
  },
  {
    name: 'D9: a damaged database where a missing one would be restored',
    says: 'damagedBackups',
    make: (path) => cut(path, 8192, { ...withBackups(), RESTORE_IF_MISSING: 'latest' }),
  },
  {
    name: 'D9: a log without its database',
    says: 'lost',
    make: (path) => written(`${path}-wal`, Buffer.alloc(4_152, 7)),
  },
];

testAsRoot.each(places)('$name: one line, exit code 1, nothing changed', refusesTwice);

test.each(databases)('$name: one line, exit code 1, nothing changed', refusesTwice);

async function refusesTwice({ says, make }: Case): Promise<void> {
  const path = join(directory, 'quota.db');
  const { env = {}, under = [] } = await make(path);
  const before = filesBelow(directory);
  // Docker starts it again and again: each time is like the first.
  for (let start = 0; start < 2; start += 1) {
    const { code, stdout, stderr } = await serve({ STORE_PATH: path, ...env }, under);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^quota-proxy: [^\n]+\n$/);
    expect(stderr).toMatch(patternOf(says));
  }
  expect(filesBelow(directory)).toEqual(before);
}

test.each<Case>([
  { name: 'a port in use', says: 'portInUse', make: async () => ({ env: { PORT: await takenPort() } }) },
  { name: 'an address of another machine', says: 'noAddress', make: () => ({ env: { HOST: '192.0.2.1' } }) },
  { name: 'a name without an address', says: 'noHost', make: () => ({ env: { HOST: 'nobody.invalid' } }) },
])('$name: one line, exit code 78, nothing made', refusesToListen);

testAsRoot("a port that is root's: one line, exit code 78, nothing made", () =>
  refusesToListen({
    says: 'noPort',
    make: () => ({ env: { PORT: '80' }, under: [...WITH_LOW_PORTS, ...WITHOUT_RIGHTS] }),
  }),
);

async function refusesToListen({ says, make }: Pick<Case, 'says' | 'make'>): Promise<void> {
  const path = join(directory, 'data', 'quota.db');
  const { env = {}, under = [] } = await make(path);
  const { code, stdout, stderr } = await serve({ STORE_PATH: path, ...env }, under);
  expect({ code, stdout }).toEqual({ code: 78, stdout: '' });
  expect(stderr).toMatch(/^quota-proxy: [^\n]+\n$/);
  expect(stderr).toMatch(patternOf(says));
  expect(existsSync(join(directory, 'data'))).toBe(false);
}

testAsRoot('a secret that cannot be read is named, and not made anew', async () => {
  const path = join(directory, 'quota.db');
  await goodDatabase(path);
  chownSync(join(directory, 'pepper'), NOBODY, NOBODY);
  const { code, stderr } = await serve({ STORE_PATH: path }, WITHOUT_RIGHTS);
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^quota-proxy: \S+\/pepper cannot be read \(EACCES\): make it a file of this user's\n$/,
  );
});

function serve(env: Readonly<Record<string, string>>, under: readonly string[]): Promise<CommandResult> {
  const always = {
    ADMIN_TOKEN: SERVER_ADMIN_TOKEN,
    UPSTREAM_BASE_URL: UPSTREAM,
    UPSTREAM_API_KEY: 'sk-upstream-key-of-the-tests',
    PORT: '0',
  };
  return runCommand(['serve'], { ...always, ...env }, under);
}

async function goodDatabase(path: string): Promise<void> {
  for (const name of ['quota.db', 'pepper']) await copyFile(join(template, name), join(path, '..', name));
}

async function cut(path: string, bytes: number, env = {}): Promise<Given> {
  await goodDatabase(path);
  await truncate(path, bytes);
  return { env };
}

async function written(path: string, content: string | Buffer): Promise<Given> {
  await writeFile(path, content);
  return {};
}

async function spoiled(
  path: string,
  spoil: (file: Awaited<ReturnType<typeof open>>) => Promise<unknown>,
): Promise<Given> {
  await goodDatabase(path);
  const file = await open(path, 'r+');
  await spoil(file);
  await file.close();
  return {};
}

function sqlite(path: string, sql: string): Given {
  const database = new Database(path);
  database.exec(sql);
  database.close();
  return {};
}

function withBackups(): Readonly<Record<string, string>> {
  return { BACKUP_TARGET: `file://${join(directory, 'vault')}` };
}

async function takenPort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  undo.push(() => void server.close());
  return String((server.address() as AddressInfo).port);
}

/** The names and sizes of what is there. What is empty is nobody's data: SQLite leaves such beside what it looks at. */
function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true })
    .map((name) => ({ name: String(name), size: statSync(join(folder, String(name))).size }))
    .filter(({ name, size }) => size > 0 && !name.endsWith('-shm'))
    .map(({ name, size }) => `${name} ${size}`)
    .sort();
}
