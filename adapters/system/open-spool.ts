import { appendFile, mkdir, rm, rmdir, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Spool, type SpoolFolder, SpoolFull } from '#core/spool.ts';

export interface SpoolConfig {
  /** On the disk of the database, and nobody else's: what an earlier process left there is removed. */
  readonly path: string;
  /** The most that one copy may take. */
  readonly bytesMax: number;
}

// What requests are recorded on must not be filled: room for the log between checkpoints, four times.
const FREE_BYTES_MIN = 64 * 1024 * 1024;

/** Folders for copies below one folder, which is for this user alone. */
export async function openSpool({ path, bytesMax }: SpoolConfig): Promise<Spool> {
  await rm(path, { recursive: true, force: true });
  let opened = 0;
  return {
    async open(purpose, bytes) {
      await mkdir(path, { recursive: true, mode: 0o700 });
      if (bytes > bytesMax) {
        throw new SpoolFull(
          `A ${purpose} needs ${megabytes(bytes)}, and BACKUP_SPOOL_BYTES_MAX allows ${megabytes(bytesMax)}: raise it`,
        );
      }
      const { bavail, bsize } = await statfs(path);
      const free = bavail * bsize;
      if (free - bytes < FREE_BYTES_MIN) {
        throw new SpoolFull(
          `A ${purpose} needs ${megabytes(bytes)}, and ${megabytes(free)} are free at ${path}, of which ` +
            `${megabytes(FREE_BYTES_MIN)} stay free for requests: make room on this disk`,
        );
      }
      opened += 1;
      return openFolder(join(path, `${purpose}-${opened}`));
    },
  };
}

async function openFolder(folder: string): Promise<SpoolFolder> {
  await mkdir(folder, { mode: 0o700 });
  const pathOf = (name: string) => join(folder, name);
  return {
    pathOf,
    append: (name, text) => appendFile(pathOf(name), text, { mode: 0o600 }),
    remove: (name) => rm(pathOf(name), { force: true }),
    async close() {
      await rm(folder, { recursive: true, force: true });
      // Nothing is left behind where nothing else is under way.
      await rmdir(dirname(folder)).catch(() => undefined);
    },
  };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
