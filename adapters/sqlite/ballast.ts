import { rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

// What opening needs, many times: 32 KiB of shared memory, and a log for some hundred requests.
const BALLAST_BYTES = 1024 * 1024;

// Nobody is to run out of room because of it.
const FREE_BYTES_MIN = 16 * 1024 * 1024;

/**
 * Keeps some room beside the database at `path`, where there is enough: on a full disk SQLite cannot even open what is
 * there, and a server that can still read is worth more than none.
 */
export function takeBallast(path: string): void {
  const ballast = ballastOf(path);
  if (statSync(ballast, { throwIfNoEntry: false })?.size === BALLAST_BYTES) return;
  try {
    const { bavail, bsize } = statfsSync(dirname(path));
    if (bavail * bsize < FREE_BYTES_MIN) return;
    writeFileSync(ballast, Buffer.alloc(BALLAST_BYTES), { mode: 0o600 });
  } catch {
    // It is for a bad day; that this is one is for others to find.
    rmSync(ballast, { force: true });
  }
}

/** Gives the room back; says whether there was any. */
export function dropBallast(path: string): boolean {
  const ballast = ballastOf(path);
  const had = (statSync(ballast, { throwIfNoEntry: false })?.size ?? 0) > 0;
  rmSync(ballast, { force: true });
  return had;
}

function ballastOf(path: string): string {
  return `${path}.ballast`;
}
