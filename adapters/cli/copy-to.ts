import { createHash } from 'node:crypto';
import { accessSync, constants, createReadStream, existsSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { copyStore } from '#adapters/container/compose-backups.ts';
import { readToolConfig } from '#adapters/container/config.ts';
import { CommandFailed } from './command-failed.ts';

/** What a copy was found to be, every page and row of it read. */
export type Copied = {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly entries: number;
  readonly keys: number;
};

/** Copies the database of this environment into a new file, beside a running server if there is one. @throws CommandFailed */
export async function copyTo(file: string): Promise<Copied> {
  const { storePath } = readToolConfig();
  if (!existsSync(storePath)) throw new CommandFailed(`There is no database at ${storePath}: set STORE_PATH`);
  if (existsSync(file)) throw new CommandFailed(`${file} exists already: name another file`);
  const directory = dirname(resolve(file));
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new CommandFailed(`${directory} cannot be written to: name a file in another directory`, { cause });
  }
  try {
    const { bytes, mark, tables } = await copyStore(storePath, file);
    const hash = createHash('sha256');
    await pipeline(createReadStream(file), hash);
    const keys = tables['keys']?.rows ?? 0;
    return { file: resolve(file), bytes, sha256: hash.digest('hex'), entries: mark.ledgerN, keys };
  } catch (error) {
    // Half a copy, or one that is not what it should be, must not lie about as if it were a backup.
    rmSync(file, { force: true });
    throw error;
  }
}
