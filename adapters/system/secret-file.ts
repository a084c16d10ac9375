import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

const SECRET_BYTES = 32;
const SECRET_LENGTH_MIN = 32;

/**
 * The secret kept in the file at `path`; `undefined` if there is no such file.
 * @throws Error if the file cannot be read, or what it holds is too short to be a secret
 */
export function keptSecret(path: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  if (text.length < SECRET_LENGTH_MIN) {
    throw new Error(
      `${path} holds fewer than ${SECRET_LENGTH_MIN} characters: put back the file that was there`,
    );
  }
  return text;
}

/** Makes a secret of 256 random bits and keeps it at `path`, for this user alone. It survives power loss. */
export function makeSecret(path: string): string {
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // Written aside first: the file is whole, or it is not there.
  const draft = `${path}.draft`;
  const file = openSync(draft, 'w', 0o600);
  writeSync(file, `${secret}\n`);
  fsyncSync(file);
  closeSync(file);
  renameSync(draft, path);
  syncDirectory(dirname(path));
  return secret;
}

/** A new name is durable once its directory is. */
function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  fsyncSync(directory);
  closeSync(directory);
}
