import type { Bucket } from './connect-bucket.ts';
import { answered } from './failure-of.ts';

/** `taken`: there is an object, and the condition forbids to replace it. `busy`: other writers are in the way. */
export type Outcome = 'stored' | 'taken' | 'busy' | 'unsupported';

/** When an object may be written; the members are those of the request. */
export type Condition = { readonly IfNoneMatch: '*' } | Readonly<Record<string, never>>;
export const IF_ABSENT: Condition = { IfNoneMatch: '*' };
export const ALWAYS: Condition = {};

/** What an object may be put in one request, held in memory. */
export const PUT_BYTES_MAX = 8 << 20;
/** The SDK guesses from the name otherwise, and `.html` is what a page of somebody else's looks like. */
export const CONTENT_TYPE = 'application/octet-stream';

/** Puts an object in one request. That it was `stored` is only what the answer says. */
export async function putObject(
  bucket: Bucket,
  name: string,
  bytes: Uint8Array,
  condition: Condition,
): Promise<Outcome> {
  const request = { ...bucket.objectOf(name), ...condition, Body: bytes, ContentType: CONTENT_TYPE };
  return bucket.call(`PUT ${name}`, (s3, within) => outcomeOf(s3.putObject(request, within)));
}

/** The outcome of a request that writes. */
export function outcomeOf(written: Promise<unknown>): Promise<Outcome> {
  return written
    .then((): Outcome => 'stored')
    .catch(answered<Outcome>(412, 'taken'))
    .catch(answered<Outcome>(409, 'busy'))
    .catch(answered<Outcome>(501, 'unsupported'));
}
