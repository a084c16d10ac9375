import type { Bucket } from './connect-bucket.ts';
import { headObject } from './read-object.ts';

/** Deletes an object, and looks whether it is gone: any proxy's page says 200, too. @throws VaultFailure */
export async function deleteObject(bucket: Bucket, name: string): Promise<void> {
  const object = bucket.objectOf(name);
  await bucket.call(`DELETE ${name}`, (s3, within) => s3.deleteObject(object, within));
  if ((await headObject(bucket, name)) === undefined) return;
  throw bucket.failure('broken', `DELETE ${name}: answered well, and the object is still there`);
}
