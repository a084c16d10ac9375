import { setTimeout as sleep } from 'node:timers/promises';
import type { VaultFailure } from '#core/vault.ts';
import { VaultConflict } from '#core/vault.ts';
import type { Bucket } from './connect-bucket.ts';
import type { Condition, Outcome } from './put-object.ts';
import { ALWAYS } from './put-object.ts';
import type { Digest } from './read-object.ts';
import { headObject, readObject } from './read-object.ts';

/** What an object is to hold, and how it gets there. */
export interface Upload {
  readonly content: Digest;
  send(condition: Condition): Promise<Outcome>;
}

// AWS answers 409 while another conditional write of the same name is under way, and asks to try again.
const BUSY_PAUSES_MS = [100, 400, 1_600];

/**
 * Writes an object that is not there yet, or is there and holds the same.
 * Looking first is what is left where a store knows no conditions, and saves the sending of what is there.
 * @throws VaultConflict, VaultFailure
 */
export async function createObject(
  bucket: Bucket,
  name: string,
  upload: Upload,
  condition: Condition,
): Promise<void> {
  const there = await headObject(bucket, name);
  const outcome = there === undefined ? await send(bucket, name, upload, condition) : 'taken';
  const holdsIt = await holds(bucket, name, upload.content);
  if (holdsIt) return;
  if (outcome === 'taken' && holdsIt === false) {
    throw new VaultConflict(`${bucket.location}: ${name} is there already, and holds something else`);
  }
  throw notStored(bucket, name);
}

/** Writes an object, whatever was there. @throws VaultFailure */
export async function replaceObject(bucket: Bucket, name: string, upload: Upload): Promise<void> {
  await send(bucket, name, upload, ALWAYS);
  if (!(await holds(bucket, name, upload.content))) throw notStored(bucket, name);
}

/** Sends until it is clear what became of it. */
async function send(
  bucket: Bucket,
  name: string,
  upload: Upload,
  condition: Condition,
): Promise<'stored' | 'taken'> {
  for (const pauseMs of [...BUSY_PAUSES_MS, 0]) {
    const outcome = await upload.send(condition);
    if (outcome === 'stored' || outcome === 'taken') return outcome;
    if (outcome === 'unsupported') {
      throw bucket.failure('broken', `PUT ${name}: 501: the store does not support it; use another store`);
    }
    await sleep(pauseMs);
  }
  throw bucket.failure('unreachable', `PUT ${name}: 409: other writers are in the way; try again later`);
}

function notStored(bucket: Bucket, name: string): VaultFailure {
  return bucket.failure('broken', `${name} reads back as something else than was written; check the store`);
}

/** Reads an object back, all of it; `undefined` if it is not there. */
async function holds(bucket: Bucket, name: string, content: Digest): Promise<boolean | undefined> {
  const bytes = await headObject(bucket, name);
  if (bytes === undefined) return undefined;
  if (bytes !== content.bytes) return false;
  const found = await readObject(bucket, name, bytes, () => {});
  return found === undefined ? undefined : found.sha256 === content.sha256;
}
