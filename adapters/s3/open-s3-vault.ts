import { createHash } from 'node:crypto';
import type { Vault, VaultAbilities } from '#core/vault.ts';
import { connectBucket } from './connect-bucket.ts';
import { deleteObject } from './delete-object.ts';
import { getFile } from './get-file.ts';
import { listObjects } from './list-objects.ts';
import { probeBucket } from './probe-bucket.ts';
import { putFile } from './put-file.ts';
import { ALWAYS, IF_ABSENT, putObject } from './put-object.ts';
import { readObject } from './read-object.ts';
import type { S3Config } from './s3-config.ts';
import type { Upload } from './write-object.ts';
import { createObject, replaceObject } from './write-object.ts';

/** A vault in a bucket of any store that speaks plain S3. What it can do is found out before the first put. */
export function openS3Vault(config: S3Config): Vault {
  const bucket = connectBucket(config);
  const inTurn = turnsByName();
  let abilities: Promise<VaultAbilities> | undefined;

  function probe(): Promise<VaultAbilities> {
    const probing = probeBucket(bucket);
    abilities = probing;
    probing.catch(() => {
      if (abilities === probing) abilities = undefined;
    });
    return probing;
  }

  /** One after another for each name: this much a store without conditions cannot take away. */
  async function create(name: string, upload: Upload): Promise<void> {
    const { conditionalWrites } = await (abilities ?? probe());
    const condition = conditionalWrites ? IF_ABSENT : ALWAYS;
    await inTurn(name, () => createObject(bucket, name, upload, condition));
  }

  function uploadOf(name: string, bytes: Uint8Array): Upload {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return {
      content: { bytes: bytes.length, sha256 },
      send: (condition) => putObject(bucket, name, bytes, condition),
    };
  }

  return {
    location: bucket.location,
    put: (name, bytes) => create(name, uploadOf(name, bytes)),
    putFile: (name, file) =>
      create(name, { content: file, send: (condition) => putFile(bucket, name, file, condition) }),
    replace: (name, bytes) => inTurn(name, () => replaceObject(bucket, name, uploadOf(name, bytes))),

    async get(name, bytesMax) {
      const chunks: Uint8Array[] = [];
      const found = await readObject(bucket, name, bytesMax, (chunk) => void chunks.push(chunk));
      return found === undefined ? undefined : Buffer.concat(chunks);
    },

    getFile: (name, path, options) => getFile(bucket, name, path, options),
    list: (folder) => listObjects(bucket, folder),
    delete: (name) => deleteObject(bucket, name),
    probe,

    async close() {
      bucket.close();
    },
  };
}

/** Lets work on a name begin when all work on it that was asked for before has ended. */
function turnsByName(): (name: string, work: () => Promise<void>) => Promise<void> {
  const last = new Map<string, Promise<unknown>>();
  return async (name, work) => {
    const before = last.get(name) ?? Promise.resolve();
    const turn = before.then(work, work);
    last.set(name, turn);
    try {
      await turn;
    } finally {
      if (last.get(name) === turn) last.delete(name);
    }
  };
}
