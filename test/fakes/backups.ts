import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { openSealer } from '#adapters/age/open-sealer.ts';
import type { BackupConfig } from '#adapters/container/backup-config.ts';
import { openCopies, openSnapshotSource } from '#adapters/container/compose-backups.ts';
import { jobRunner } from '#adapters/container/job-thread.ts';
import { timetableOf } from '#adapters/container/timetable.ts';
import { openDirectoryVault } from '#adapters/directory/open-directory-vault.ts';
import type { SqliteStore } from '#adapters/sqlite/open-sqlite.ts';
import { openSqlite } from '#adapters/sqlite/open-sqlite.ts';
import { openSpool } from '#adapters/system/open-spool.ts';
import { secretsUnder } from '#adapters/system/secrets-under.ts';
import { systemClock } from '#adapters/system/system-clock.ts';
import { systemIds } from '#adapters/system/system-ids.ts';
import type { RestoreTarget } from '#core/backup.ts';
import type { ApiKey, Instant } from '#core/model.ts';
import { parseKeep } from '#core/retention.ts';
import type { Vault } from '#core/vault.ts';
import { calendarOf } from '#core/window.ts';
import type { BackupParts } from '#handlers/backup/backup-parts.ts';
import type { Backups } from '#handlers/backup/backups.ts';
import { createBackups } from '#handlers/backup/backups.ts';
import { type Restored, restore } from '#handlers/backup/restore.ts';
import { keyNumber, reserving, settling, usageOf } from '#test/conformance/specimens.ts';
import { NOON } from './accounts.ts';

const CALENDAR = calendarOf('UTC');
const runJob = jobRunner({ givesWay: false });

/** A database that is served, its backups in a vault, and what a test may do to them: all real, in a folder. */
export interface BackupsUnderTest {
  readonly folder: string;
  readonly storePath: string;
  readonly vaultPath: string;
  readonly store: SqliteStore;
  readonly parts: BackupParts;
  /** As the command line has it. */
  readonly config: BackupConfig;
  readonly backups: Backups;
  readonly clock: { now: Instant };
  /** What was logged as failed. */
  readonly failures: string[];
  /** Makes a key, numbered from 1. */
  addKey(): Promise<ApiKey>;
  /** Requests, each reserved and settled; their ids are those of `specimens`, numbered from 1. */
  request(key: ApiKey, count?: number): Promise<void>;
  /** Names of the objects in the vault, sorted. */
  objects(): readonly string[];
  /** Restores into a new file, which is told. */
  restore(target?: RestoreTarget): Promise<Restored & { readonly file: string }>;
  /** Another server on the same data, or on others. The caller closes it. */
  again(changes: Partial<BackupsOptions>): Promise<BackupsUnderTest>;
  close(): Promise<void>;
}

export interface BackupsOptions {
  readonly storePath: string;
  readonly vaultPath: string;
  readonly identity: string | null;
  readonly folder: string;
  /** Keys and requests are numbered from one more than this: two histories have other ids. */
  readonly numbered: number;
  /** Puts something between the backups and their vault. */
  readonly wrapVault: (vault: Vault) => Vault;
}

/** Opens backups for the tests of one file, and closes them after each. */
export function useBackups() {
  const opened: BackupsUnderTest[] = [];
  afterEach(async () => {
    for (const each of opened.splice(0).reverse()) await each.close();
  });
  const kept = async (opening: Promise<BackupsUnderTest>) => {
    const made = await opening;
    opened.push(made);
    return made;
  };
  return {
    open: (options: Partial<BackupsOptions> = {}) => kept(openBackups(options)),
    again: (first: BackupsUnderTest, changes: Partial<BackupsOptions>) => kept(first.again(changes)),
  };
}

export async function openBackups(options: Partial<BackupsOptions> = {}): Promise<BackupsUnderTest> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'backups-'));
  const { storePath = join(folder, 'data/quota.db'), vaultPath = join(folder, 'vault') } = options;
  mkdirSync(vaultPath, { recursive: true });
  const store = await openSqlite({ path: storePath, calendar: CALENDAR });
  const clock = { now: NOON };
  const failures: string[] = [];
  const config = configOf(vaultPath, options.identity ?? null);
  const given = openDirectoryVault({ path: vaultPath });
  const vault = options.wrapVault?.(given) ?? given;
  const parts = await partsOf(store, storePath, { vault, identity: config.identity, clock, failures });
  let restores = 0;
  return {
    folder,
    storePath,
    vaultPath,
    store,
    parts,
    config,
    backups: createBackups(parts, { ...config, calendar: CALENDAR }),
    clock,
    failures,
    ...usersOf(store, clock, options.numbered ?? 0),
    objects: () => objectsIn(vaultPath),
    async restore(target = { kind: 'latest' }) {
      restores += 1;
      const file = join(folder, `restored-${restores}.db`);
      const restored = await restore(parts, { target, place: (path) => parts.copies.moveTo(path, file) });
      return { ...restored, file };
    },
    again: (changes) => openBackups({ folder, storePath, vaultPath, ...options, ...changes }),
    async close() {
      await store.close();
      if (options.folder === undefined) rmSync(folder, { recursive: true });
    },
  };
}

function configOf(vaultPath: string, identity: string | null): BackupConfig {
  return {
    target: { kind: 'directory', path: vaultPath },
    identity,
    spoolBytesMax: 1e9,
    schedule: timetableOf('0 * * * *', 'UTC'),
    drillSchedule: timetableOf('@daily', 'UTC'),
    keep: parseKeep('24h 7d 4w 12m') ?? [],
  };
}

interface Surroundings {
  readonly vault: Vault;
  readonly identity: string | null;
  readonly clock: { readonly now: Instant };
  readonly failures: string[];
}

async function partsOf(
  store: SqliteStore,
  storePath: string,
  { vault, identity, clock, failures }: Surroundings,
): Promise<BackupParts> {
  return {
    vault,
    sealer: await openSealer({ identity }),
    spool: await openSpool({ path: `${storePath}.spool`, bytesMax: 1e9 }),
    copies: await openCopies('UTC', runJob),
    history: store.history,
    source: openSnapshotSource(storePath, runJob),
    operations: store.operations,
    clock: { now: () => clock.now, elapsedMs: systemClock.elapsedMs },
    ids: systemIds,
    secrets: secretsUnder(new TextEncoder().encode('a pepper of the tests, long enough')),
    observer: {
      requestEnded: () => undefined,
      noticed: () => undefined,
      warned: () => undefined,
      failed: (message, error) => void failures.push(`${message} ${String(error)}`),
    },
    version: '0.0.0-test',
    timeZone: 'UTC',
    async databaseBytes() {
      const { sizeBytes, walBytes } = await store.health.status();
      return sizeBytes + walBytes;
    },
  };
}

/** What people do with the database. */
function usersOf(
  { keys, ledger }: SqliteStore,
  clock: { readonly now: Instant },
  numbered: number,
): Pick<BackupsUnderTest, 'addKey' | 'request'> {
  let [keysMade, requestsMade] = [numbered, numbered];
  return {
    async addKey() {
      keysMade += 1;
      const key = keyNumber(keysMade);
      const operation = { at: clock.now, actor: 'test', action: 'keys.create', target: key.id, details: {} };
      await keys.add(key, operation);
      return key;
    },
    async request(key, count = 1) {
      const numbers = Array.from({ length: count }, (_, index) => requestsMade + index + 1);
      requestsMade += count;
      await Promise.all(
        numbers.map(async (n) => {
          await ledger.execute(reserving(n, key, { at: clock.now }));
          await ledger.execute(settling(n, key, usageOf(10, 5), { at: clock.now }));
        }),
      );
    },
  };
}

/** Names of the objects in a directory vault, sorted. */
function objectsIn(vaultPath: string): readonly string[] {
  return readdirSync(vaultPath, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(vaultPath.length + 1))
    .sort();
}

export function objectBytes(vaultPath: string, name: string): Buffer {
  return readFileSync(join(vaultPath, name));
}
