import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

const SECRET_BYTES = 32;
const SECRET_LENGTH_MIN = 32;

/** A file of a secret cannot be read or made. One line, with the way out. */
class SecretFileRefused extends Error {
  override readonly name = 'SecretFileRefused';
}

/**
 * The secret kept in the file at `path`; `undefined` if there is no such file.
 * @throws SecretFileRefused if the file cannot be read, or what it holds is too short to be a secret
 */
export function keptSecret(path: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new SecretFileRefused(`${path} cannot be read (${codeOf(error)}): make it a file of this user's`);
  }
  if (text.length < SECRET_LENGTH_MIN) {
    throw new SecretFileRefused(
      `${path} holds fewer than ${SECRET_LENGTH_MIN} characters: put back the file that was there`,
    );
  }
  return text;
}

/**
 * Makes a secret of 256 random bits and keeps it at `path`, for this user alone. It survives power loss.
 * @throws SecretFileRefused if it cannot be kept; then there is no file
 */
export function makeSecret(path: string): string {
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  try {
    keep(path, `${secret}\n`);
  } catch (error) {
    rmSync(draftOf(path), { force: true });
    const full = 'make room on its disk (df -h shows where)';
    const wayOut = codeOf(error) === 'ENOSPC' ? full : 'make its directory writable for this user';
    throw new SecretFileRefused(`${path} cannot be made (${codeOf(error)}): ${wayOut}`);
  }
  return secret;
}

/** Written aside first: the file is whole, or it is not there. */
function keep(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // One that was left there may be open to others, and would stay so.
  rmSync(draftOf(path), { force: true });
  const file = openSync(draftOf(path), 'wx', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draftOf(path), path);
  syncDirectory(dirname(path));
}

function draftOf(path: string): string {
  return `${path}.draft`;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : error;
}

/** A new name is durable once its directory is. */
function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  fsyncSync(directory);
  closeSync(directory);
}
