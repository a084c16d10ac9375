import { constants, copyFileSync, linkSync, mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { StoreRefused } from './store-refused.ts';
import { syncPath } from './sync-path.ts';

/**
 * Moves a copy to `target`, which may be on another file system, and is durable there when this returns.
 * @throws StoreRefused if something is there already
 */
export function moveCopy(path: string, target: string): void {
  mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
  try {
    link(path, target);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    throw new StoreRefused(`${target} exists already: name another file`);
  }
  syncPath(target);
  syncPath(dirname(target));
  rmSync(path);
}

/** A second name; on another file system, or one without such, a second file. Neither replaces what is there. */
function link(path: string, target: string): void {
  try {
    linkSync(path, target);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw error;
    copyFileSync(path, target, constants.COPYFILE_EXCL);
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
