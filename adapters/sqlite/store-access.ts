import { accessSync, constants, existsSync, mkdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { mountedAt } from './mounted-at.ts';
import { StoreRefused } from './store-refused.ts';

/** What follows the name of the database in the names of the files that are written beside it. */
const WRITTEN = ['', '-wal', '-shm', '.lock'];

const MOUNT_TABLE = '/proc/self/mountinfo';

/**
 * File systems that a network or a virtual machine stands behind. Locks and shared memory, which SQLite's log needs, do
 * not reach the other side (https://sqlite.org/wal.html: "WAL does not work over a network filesystem").
 */
const SHARED: ReadonlySet<string> = new Set([
  ...['virtiofs', '9p', 'fakeowner', 'fuse.grpcfuse', 'osxfs', 'fuse.osxfs', 'vboxsf', 'prl_fs', 'drvfs'],
  ...['nfs', 'nfs4', 'cifs', 'smb3', 'smbfs', 'afs', 'ceph', 'glusterfs', 'fuse.glusterfs', 'lustre'],
  ...['fuse.sshfs', 'fuse.rclone', 'fuse.s3fs', 'fuse.gcsfuse', 'fuse.mount-s3', 'fuse.juicefs'],
]);

/**
 * Makes the directory of the database at `path` if it is not there, and makes sure that this user may write there.
 * @throws StoreRefused which names the directory or file, the user, and the way out
 */
export function openStoreDirectory(path: string): void {
  const directory = resolve(dirname(path));
  try {
    makeDirectory(directory);
    if (!statSync(directory).isDirectory())
      throw new StoreRefused(`the data directory ${directory} is not a directory: ${ANOTHER}`);
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    refuseShared(realpathSync(directory));
  } catch (error) {
    if (error instanceof StoreRefused) throw error;
    throw new StoreRefused(`the data directory ${directory} ${whyNot(error, directory)}`);
  }
  for (const file of WRITTEN.map((suffix) => path + suffix).filter((name) => existsSync(name))) {
    try {
      if (statSync(file).isDirectory()) throw new StoreRefused(`${file} is a directory: ${ANOTHER}`);
      accessSync(file, constants.R_OK | constants.W_OK);
    } catch (error) {
      if (error instanceof StoreRefused) throw error;
      throw new StoreRefused(`${file} ${whyNot(error, file)}`);
    }
  }
}

const ANOTHER = 'set STORE_PATH to a file in a directory, such as /data/quota.db';

/** One after another: where nothing can be made, as below /proc, a recursive `mkdirSync` of Node 26 never ends. */
function makeDirectory(directory: string): void {
  if (existsSync(directory)) return;
  makeDirectory(dirname(directory));
  try {
    // Nobody else on the machine has a reason to read what keys were handed out.
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    // Somebody else may have made it meanwhile.
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

function refuseShared(directory: string): void {
  // There is no such table but on Linux, where servers are.
  const mount = existsSync(MOUNT_TABLE) ? mountedAt(directory, readFileSync(MOUNT_TABLE, 'utf8')) : undefined;
  if (mount === undefined || !SHARED.has(mount.type)) return;
  throw new StoreRefused(
    `the data directory ${directory} is on ${mount.type} (mounted at ${mount.at}), where SQLite can lose what it recorded: ` +
      'put it on a disk of this machine, with Docker a named volume instead of a bind mount, or set STORE_PATH',
  );
}

function whyNot(error: unknown, path: string): string {
  const code = codeOf(error);
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return `is not writable for uid ${process.getuid?.() ?? '?'} (${ownerOf(path)}): ${giving(path)}`;
    case 'EROFS':
      return 'is on a read-only file system: mount a writable volume there, or set STORE_PATH';
    case 'ENOTDIR':
    case 'EEXIST':
      return `is not a directory, or below a file: ${ANOTHER}`;
    case 'ENOSPC':
      return 'cannot be made, because the disk is full: make room there (df -h shows where), then start again';
    default:
      return `cannot be made or read (${String(code ?? error)}): ${ANOTHER}`;
  }
}

/** Where it is not there, that of the directory in which it cannot be made. */
function ownerOf(path: string): string {
  let there = path;
  while (!existsSync(there) && there !== dirname(there)) there = dirname(there);
  const { uid, mode } = statSync(there);
  const where = there === path ? 'it' : there;
  return `${where} is of uid ${uid}, mode ${(mode & 0o777).toString(8)}`;
}

function giving(path: string): string {
  const user = `${process.getuid?.() ?? '?'}:${process.getgid?.() ?? '?'}`;
  return `run chown -R ${user} ${path} as root, mount a volume of that user's, or set STORE_PATH`;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
