import type { ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
import type { VaultObject } from '#core/vault.ts';
import { isVaultName } from '#core/vault.ts';
import type { Bucket } from './connect-bucket.ts';

/** All objects of a folder, whose name ends with `/`, by name. @throws VaultFailure if it cannot be all of them */
export async function listObjects(bucket: Bucket, folder: string): Promise<VaultObject[]> {
  const location = bucket.folderOf(folder);
  const objects: VaultObject[] = [];
  const seen = new Set<string>();
  for (let token: string | undefined; ; ) {
    const request = { ...location, ...(token !== undefined && { ContinuationToken: token }) };
    const page = await bucket.call(`LIST ${folder}`, (s3, within) => s3.listObjectsV2(request, within));
    requireList(bucket, folder, page);
    objects.push(...objectsOf(bucket, page));
    if (page.IsTruncated !== true) break;
    token = page.NextContinuationToken;
    // A list that turns in circles would never end.
    if (token === undefined || seen.has(token)) throw broken(bucket, folder);
    seen.add(token);
  }
  return objects.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function objectsOf({ keyPrefix }: Bucket, page: ListObjectsV2CommandOutput): VaultObject[] {
  return (page.Contents ?? [])
    .map(({ Key = '', Size = 0 }) => ({ name: Key.slice(keyPrefix.length), bytes: Size }))
    .filter(({ name }) => isVaultName(name));
}

/** A page of HTML that happens to be well-formed would be a list without members. */
function requireList(bucket: Bucket, folder: string, page: ListObjectsV2CommandOutput): void {
  if (page.Name === undefined || page.IsTruncated === undefined) throw broken(bucket, folder);
}

function broken(bucket: Bucket, folder: string) {
  return bucket.failure('broken', `LIST ${folder}: not the answer of an object store; check the endpoint`);
}
