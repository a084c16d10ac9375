import { errorReply } from '../reply.ts';

/** What a request says of being made once. */
export type IdempotencyKey =
  | { readonly kind: 'none' }
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'malformed' };

// As long as Stripe's, which is in both forms below.
const LENGTH_MAX = 255;
/** As people send it everywhere: a text. What looks like several values, or like a torn string, is none. */
const BARE = /^([\x21\x23-\x2b\x2d-\x7e]{1,255})$/;
/** As the draft has it: a string of RFC 9651 §3.3.3. */
const QUOTED = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,255})"$/;

/** What the header may be, for the documents. */
export const IDEMPOTENCY_KEY_FORMS: readonly RegExp[] = [BARE, QUOTED];

/**
 * The header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07). With quotes, as the draft wants it, and
 * without, as most clients send it, it is the same key.
 */
export function idempotencyKeyOf(headers: Headers): IdempotencyKey {
  const text = headers.get('idempotency-key');
  if (text === null) return { kind: 'none' };
  const key = BARE.test(text) ? text : QUOTED.exec(text)?.[1]?.replace(/\\(.)/g, '$1');
  return key === undefined ? { kind: 'malformed' } : { kind: 'key', key };
}

export function malformedKey(): Response {
  return errorReply({
    status: 400,
    type: 'invalid_request_error',
    code: 'invalid_idempotency_key',
    message: `The Idempotency-Key is not valid: it must be one text of 1 to ${LENGTH_MAX} printable ASCII characters, such as a UUID.`,
  });
}

export function keyInUse(): Response {
  return errorReply({
    status: 409,
    type: 'invalid_request_error',
    code: 'idempotency_key_in_use',
    message:
      'A call with this Idempotency-Key is still being answered. Make the same call again in a moment.',
    headers: { 'retry-after': '1' },
  });
}

export function keyReused(): Response {
  return errorReply({
    status: 422,
    type: 'invalid_request_error',
    code: 'idempotency_key_reused',
    message: 'This Idempotency-Key was used for another call. Give each call a new one, such as a UUID.',
  });
}
