import { closeSync, constants, copyFileSync, fsyncSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { StoreRefused } from './store-refused.ts';

/**
 * Moves a copy to `target`, which may be on another file system, and is durable there when this returns.
 * @throws StoreRefused if something is there already
 */
export function moveCopy(path: string, target: string): void {
  mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
  try {
    copyFileSync(path, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    throw new StoreRefused(`${target} exists already: name another file`);
  }
  sync(target);
  sync(dirname(target));
  rmSync(path);
}

function sync(path: string): void {
  const file = openSync(path, 'r');
  fsyncSync(file);
  closeSync(file);
}
