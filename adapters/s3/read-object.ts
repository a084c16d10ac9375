import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { GetObjectCommandOutput, HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import type { Bucket } from './connect-bucket.ts';
import { answered } from './failure-of.ts';

export interface Digest {
  readonly bytes: number;
  /** In 64 lower-case hex digits. */
  readonly sha256: string;
}

/** How many bytes an object has; `undefined` if the answer is that there is none. */
export async function headObject(bucket: Bucket, name: string): Promise<number | undefined> {
  const what = `HEAD ${name}`;
  const object = bucket.objectOf(name);
  const found = await bucket.call(what, (s3, within) =>
    s3.headObject(object, within).catch(answered(404, undefined)),
  );
  if (found === undefined) return undefined;
  requireObject(bucket, what, found);
  return found.ContentLength ?? 0;
}

/**
 * Reads an object, and gives each chunk to `take` before the next is asked for.
 * `undefined` only if the store said that it has no such object: a 404 alone may be anyone's.
 * @throws VaultFailure, also for more than `bytesMax` bytes or fewer than were announced; what `take` throws
 */
export async function readObject(
  bucket: Bucket,
  name: string,
  bytesMax: number,
  take: (chunk: Uint8Array) => void | Promise<void>,
): Promise<Digest | undefined> {
  const what = `GET ${name}`;
  const object = bucket.objectOf(name);
  // No deadline: the body may take its time, and `chunksOf` watches over it.
  const found = await bucket.call(what, (s3) => s3.getObject(object).catch(answered('NoSuchKey', undefined)));
  if (found === undefined) return undefined;
  const { Body: body, ContentLength: announced } = found;
  if (!(body instanceof Readable)) throw bucket.failure('broken', `${what}: an answer without a body`);
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    requireObject(bucket, what, found);
    requireAtMost(bytesMax, announced ?? 0, bucket, what);
    for await (const chunk of chunksOf(bucket, what, body)) {
      bytes += chunk.length;
      requireAtMost(bytesMax, bytes, bucket, what);
      hash.update(chunk);
      await take(chunk);
    }
  } finally {
    body.destroy();
  }
  if (announced !== undefined && bytes !== announced) {
    throw bucket.failure('unreachable', `${what}: cut off after ${bytes} of ${announced} bytes; try again`);
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** A body's chunks, unless it falls silent: the SDK's limits end where the body begins. */
async function* chunksOf(bucket: Bucket, what: string, body: Readable): AsyncGenerator<Uint8Array> {
  const { silenceMs } = bucket.limits;
  const chunks: AsyncIterator<Uint8Array> = body[Symbol.asyncIterator]();
  const next = async () => {
    const silent = new Error(`silent for ${silenceMs} ms`);
    const watch = setTimeout(() => body.destroy(silent), silenceMs);
    try {
      return await chunks.next();
    } catch (error) {
      const reason = error === silent ? silent.message : 'the connection broke';
      throw bucket.failure('unreachable', `${what}: ${reason}; try again`, { cause: error });
    } finally {
      clearTimeout(watch);
    }
  };
  for (let { done, value } = await next(); done !== true; { done, value } = await next()) yield value;
}

/** Every object has an entity tag; a page that someone on the way put in its place has a content type. */
function requireObject(
  bucket: Bucket,
  what: string,
  found: GetObjectCommandOutput | HeadObjectCommandOutput,
): void {
  const isPage = found.ContentType?.startsWith('text/html') === true;
  if (found.ETag !== undefined && !isPage) return;
  throw bucket.failure(
    'broken',
    `${what}: not the answer of an object store; check the endpoint and the proxies`,
  );
}

function requireAtMost(bytesMax: number, bytes: number, bucket: Bucket, what: string): void {
  if (bytes <= bytesMax) return;
  throw bucket.failure('broken', `${what}: more than the ${bytesMax} bytes that it may have`);
}
