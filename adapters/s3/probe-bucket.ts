import { createHash } from 'node:crypto';
import type { VaultAbilities } from '#core/vault.ts';
import { VaultFailure } from '#core/vault.ts';
import type { Bucket } from './connect-bucket.ts';
import { deleteObject } from './delete-object.ts';
import { ALWAYS, IF_ABSENT, putObject } from './put-object.ts';
import { readObject } from './read-object.ts';

const NAME = 'probe';
const CONTENT = Buffer.from('quota-proxy tries out what this bucket can do; this may be deleted.\n');
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');

/** The name is fixed, so another server's probe may delete ours under way: then the next round tells. */
const ROUNDS = 3;

/** Tries out what a bucket can do. @throws VaultFailure if it cannot even keep an object */
export async function probeBucket(bucket: Bucket): Promise<VaultAbilities> {
  for (let round = 0; round < ROUNDS; round++) {
    const conditionalWrites = await refusesToReplace(bucket);
    const found = await readObject(bucket, NAME, CONTENT.length, () => {});
    if (found === undefined) continue;
    if (found.sha256 !== SHA256) throw broken(bucket);
    return { conditionalWrites, deletes: await deletes(bucket) };
  }
  throw broken(bucket);
}

/** Writes the object until it is refused. What an earlier probe left is as good as what this one wrote. */
async function refusesToReplace(bucket: Bucket): Promise<boolean> {
  for (let round = 0; round < ROUNDS; round++) {
    const outcome = await putObject(bucket, NAME, CONTENT, IF_ABSENT);
    if (outcome === 'taken') return true;
    if (outcome === 'unsupported') await putObject(bucket, NAME, CONTENT, ALWAYS);
  }
  return false;
}

async function deletes(bucket: Bucket): Promise<boolean> {
  try {
    await deleteObject(bucket, NAME);
    return true;
  } catch (error) {
    // A bucket under retention refuses, or says yes and keeps it.
    if (error instanceof VaultFailure && (error.kind === 'denied' || error.kind === 'broken')) return false;
    throw error;
  }
}

function broken(bucket: Bucket): VaultFailure {
  return bucket.failure('broken', `${NAME} reads back as something else than was written; check the store`);
}
