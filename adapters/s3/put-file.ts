import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import type { LocalFile } from '#core/vault.ts';
import type { Bucket } from './connect-bucket.ts';
import { answered } from './failure-of.ts';
import type { Condition, Outcome } from './put-object.ts';
import { ALWAYS, CONTENT_TYPE, outcomeOf, PUT_BYTES_MAX, putObject } from './put-object.ts';

/** S3 takes no more: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const PARTS_MAX = 10_000;

/** Puts a file, in parts if it is large. At most one part is in memory at a time. */
export async function putFile(
  bucket: Bucket,
  name: string,
  file: LocalFile,
  condition: Condition,
): Promise<Outcome> {
  await using handle = await open(file.path);
  if (file.bytes > PUT_BYTES_MAX) return await putParts(bucket, name, file, handle, condition);
  // One byte more than there should be, to notice if there is.
  const bytes = await readPart(handle, Buffer.allocUnsafe(file.bytes + 1), 0);
  requireSame(bucket, file, bytes.length, createHash('sha256').update(bytes).digest('hex'));
  return await putObject(bucket, name, bytes, condition);
}

interface PartsUpload {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string;
}

interface Part {
  readonly PartNumber: number;
  readonly ETag: string;
}

async function putParts(
  bucket: Bucket,
  name: string,
  file: LocalFile,
  handle: FileHandle,
  condition: Condition,
): Promise<Outcome> {
  const request = { ...bucket.objectOf(name), ContentType: CONTENT_TYPE };
  const started = await bucket.call(`start of PUT ${name}`, (s3, within) =>
    s3.createMultipartUpload(request, within),
  );
  if (started.UploadId === undefined) {
    throw bucket.failure('broken', `PUT ${name}: not the answer of an object store; check the endpoint`);
  }
  const upload = { ...bucket.objectOf(name), UploadId: started.UploadId };
  try {
    const parts = await sendParts(bucket, upload, file, handle);
    const outcome = await complete(bucket, upload, parts, condition);
    if (outcome !== 'stored') await abort(bucket, upload);
    return outcome;
  } catch (error) {
    await abort(bucket, upload);
    throw error;
  }
}

async function sendParts(
  bucket: Bucket,
  upload: PartsUpload,
  file: LocalFile,
  handle: FileHandle,
): Promise<Part[]> {
  const buffer = Buffer.allocUnsafe(Math.max(PUT_BYTES_MAX, Math.ceil(file.bytes / PARTS_MAX)));
  const hash = createHash('sha256');
  const parts: Part[] = [];
  let sent = 0;
  while (sent < file.bytes) {
    const bytes = await readPart(handle, buffer, sent);
    if (bytes.length === 0) break;
    hash.update(bytes);
    sent += bytes.length;
    const PartNumber = parts.length + 1;
    const what = `PUT ${upload.Key}, part ${PartNumber}`;
    const { ETag } = await bucket.call(what, (s3, within) =>
      s3.uploadPart({ ...upload, PartNumber, Body: bytes }, within),
    );
    if (ETag === undefined) throw bucket.failure('broken', `${what}: not the answer of an object store`);
    parts.push({ PartNumber, ETag });
  }
  requireSame(bucket, file, sent, hash.digest('hex'));
  return parts;
}

async function complete(
  bucket: Bucket,
  upload: PartsUpload,
  parts: Part[],
  condition: Condition,
): Promise<Outcome> {
  const outcome = await bucket.call(`end of PUT ${upload.Key}`, (s3, within) => {
    const request = { ...upload, ...condition, MultipartUpload: { Parts: parts } };
    // If the answer was lost, the second attempt finds no upload; reading back will tell what is there.
    return outcomeOf(s3.completeMultipartUpload(request, within)).catch(
      answered<Outcome>('NoSuchUpload', 'stored'),
    );
  });
  // Some stores know conditions for small objects only; whoever writes a large one has looked first.
  const isUnconditional = condition === ALWAYS;
  return outcome === 'unsupported' && !isUnconditional ? complete(bucket, upload, parts, ALWAYS) : outcome;
}

/** Tries to free the space of the parts. There may be none, and what is in trouble may refuse this, too. */
async function abort(bucket: Bucket, upload: PartsUpload): Promise<void> {
  const giveUp = bucket.call('', (s3, within) => s3.abortMultipartUpload(upload, within));
  await giveUp.catch(() => {});
}

/** Fills the buffer from a position of the file; less than all of it is the end of the file. */
async function readPart(handle: FileHandle, buffer: Buffer, position: number): Promise<Buffer> {
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

function requireSame(bucket: Bucket, file: LocalFile, bytes: number, sha256: string): void {
  if (bytes === file.bytes && sha256 === file.sha256) return;
  throw bucket.failure('broken', `${file.path} is not the file that it was said to be`);
}
