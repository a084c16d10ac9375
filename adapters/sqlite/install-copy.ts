import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { resolveStorePath } from './database.ts';
import { takeLock } from './lock.ts';
import { StoreRefused } from './store-refused.ts';
import { syncPath } from './sync-path.ts';

export interface CopyToInstall {
  /** A whole database in one file, without a log, below the store's directory. It is moved from there. */
  readonly copyPath: string;
  readonly storePath: string;
  /** A directory that is not there yet, below the store's: the old database goes there. Without one it is not made. */
  readonly asidePath: string;
}

/**
 * Puts a copy of a database in the place of the served one, which is kept aside with its log, under its own names.
 * From before the first step until after the last a journal beside the database, `<storePath>.restoring`, tells
 * what is under way: whatever is killed or loses power in between, whoever starts next calls `finishInstall`.
 * @throws StoreRefused if a server runs, or an earlier install cannot be finished; any other error: nothing was
 * changed, or, should a disk fail half-way, `finishInstall` is still to be called
 */
export function installCopy({ copyPath, storePath, asidePath }: CopyToInstall): void {
  const path = resolveStorePath(storePath);
  const lock = takeLock(path);
  try {
    finishInstall(path);
    const install = planOf(path, copyPath, asidePath);
    // One that an earlier install could not put back where it came from.
    rmSync(incomingOf(path), { force: true });
    syncPath(copyPath);
    writeJournal(path, install);
    try {
      prepare(path, install);
    } catch (error) {
      giveUp(path, install);
      throw error;
    }
    finishInstall(path);
  } finally {
    lock.release();
  }
}

/**
 * Finishes the install that the journal beside the database tells of; says whether there was one. Only for whoever
 * has the lock, and before the database is opened: half-way there is none, and SQLite would make an empty one.
 * `path` is as `resolveStorePath` gives it.
 * @throws StoreRefused if the journal cannot be read, or what it tells of is gone
 */
export function finishInstall(path: string): boolean {
  const install = readJournal(path);
  if (install === undefined) return false;
  if (!install.prepared) {
    if (!existsSync(copyOf(path, install)) && !existsSync(incomingOf(path))) {
      giveUp(path, install);
      return true;
    }
    prepare(path, install);
  }
  if (existsSync(incomingOf(path))) {
    // The database goes before its log: without the log it would seem whole, and lack the last commits.
    for (const part of PARTS) rmSync(path + part, { force: true });
    syncPath(dirname(path));
    renameSync(incomingOf(path), path);
  } else if (!existsSync(path)) {
    throw new StoreRefused(
      `${journalOf(path)} tells of a restore that cannot be finished, because ${incomingOf(path)} is gone: ` +
        `move it aside, then put the database in ${asideOf(path, install)} back or restore a backup`,
    );
  }
  syncPath(dirname(path));
  removeJournal(path);
  return true;
}

/** What the journal holds. Its names are below the database's directory: that may be mounted elsewhere next time. */
interface Install {
  readonly copy: string;
  readonly aside: string;
  /**
   * Whether the new database is beside the old one, and all of the old one is in `aside`. Until then the old one is
   * untouched in its place.
   */
  readonly prepared: boolean;
}

/** What follows the name of the database in the names of its files. One that an operator changed has a journal. */
const PARTS = ['', '-journal', '-wal', '-shm'];

function planOf(path: string, copyPath: string, asidePath: string): Install {
  if (existsSync(asidePath)) throw new Error(`${asidePath} is there already`);
  if ((statSync(`${copyPath}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0) {
    throw new Error(`${copyPath} has a log, which would be left behind`);
  }
  const named = (file: string) => nameBelow(dirname(path), join(realpathSync(dirname(file)), basename(file)));
  return { copy: named(copyPath), aside: named(asidePath), prepared: false };
}

/** @throws Error if `path` is somewhere else */
function nameBelow(directory: string, path: string): string {
  const name = relative(directory, resolve(directory, path));
  if (name === '' || name.split(sep)[0] === '..') throw new Error(`${path} is not below ${directory}`);
  return name;
}

/**
 * Brings all that is needed together, so that it is there before anything is gone from its place: the copy comes out
 * of a directory that may be swept, and the files of the old database get second names. Begins anew if it was cut
 * short: until `prepared` is on disk, the old files may have changed.
 */
function prepare(path: string, install: Install): void {
  const directory = dirname(path);
  const copy = copyOf(path, install);
  if (existsSync(copy)) renameSync(copy, incomingOf(path));
  if (existsSync(dirname(copy))) syncPath(dirname(copy));
  dropKept(path, install);
  const parts = PARTS.filter((part) => existsSync(path + part));
  if (parts.length > 0) {
    const aside = asideOf(path, install);
    mkdirSync(aside, { mode: 0o700 });
    for (const part of parts) linkSync(path + part, join(aside, basename(path) + part));
    syncPath(aside);
  }
  syncPath(directory);
  writeJournal(path, { ...install, prepared: true });
}

/** Leaves everything as it was before, where it cannot be prepared: a server is not to try it again and again. */
function giveUp(path: string, install: Install): void {
  removeJournal(path);
  dropKept(path, install);
  if (existsSync(incomingOf(path))) renameSync(incomingOf(path), copyOf(path, install));
}

/** Takes the second names back. Only while the first ones are there. */
function dropKept(path: string, install: Install): void {
  const aside = asideOf(path, install);
  if (!existsSync(aside)) return;
  for (const part of PARTS) rmSync(join(aside, basename(path) + part), { force: true });
  rmdirSync(aside);
}

function readJournal(path: string): Install | undefined {
  const journal = journalOf(path);
  if (!existsSync(journal)) return undefined;
  try {
    const { copy, aside, prepared } = JSON.parse(readFileSync(journal, 'utf8')) as Record<string, unknown>;
    if (typeof copy !== 'string' || typeof aside !== 'string' || typeof prepared !== 'boolean') {
      throw new Error('a member is missing');
    }
    return { copy: nameBelow(dirname(path), copy), aside: nameBelow(dirname(path), aside), prepared };
  } catch (error) {
    throw new StoreRefused(
      `${journal} cannot be read (${error instanceof Error ? error.message : String(error)}), ` +
        'and a restore was not finished: move it aside, then restore a backup, or put the old database back',
    );
  }
}

function writeJournal(path: string, install: Install): void {
  const journal = journalOf(path);
  writeFileSync(`${journal}.tmp`, JSON.stringify(install), { mode: 0o600, flush: true });
  renameSync(`${journal}.tmp`, journal);
  syncPath(dirname(path));
}

function removeJournal(path: string): void {
  rmSync(journalOf(path), { force: true });
  syncPath(dirname(path));
}

function journalOf(path: string): string {
  return `${path}.restoring`;
}

function incomingOf(path: string): string {
  return `${path}.incoming`;
}

function copyOf(path: string, { copy }: Install): string {
  return join(dirname(path), copy);
}

function asideOf(path: string, { aside }: Install): string {
  return join(dirname(path), aside);
}
