import type { KeyRef } from '#core/key-registry.ts';
import type { Account } from '#core/model.ts';
import { errorReply } from '../reply.ts';
import type { Services } from '../services.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * The account of a key that is named by its id or by itself; `undefined` if there never was one.
 * What is not an id may be a secret: nothing but its digest goes any further.
 */
export function findAccount(
  key: string,
  { keys, secrets }: Pick<Services, 'keys' | 'secrets'>,
): Promise<Account | undefined> {
  const ref: KeyRef = isId(key) ? { id: key.toLowerCase() } : { digest: secrets.digest(key) };
  return keys.account(ref);
}

/** Whether `text` may be the id of a key or of a request: a UUID. */
export function isId(text: string): boolean {
  return UUID.test(text);
}

/** 404. Says nothing of what was asked for: it may have been a secret. */
export function keyNotFound(): Response {
  return notFound('There is no such key. Name it by its id or in full; GET /admin/keys lists all.');
}

/** 404, for what would change a key that can still be looked at. */
export function keyDeleted(): Response {
  return notFound('This key is deleted, for ever: it cannot be changed. POST /admin/keys makes another.');
}

function notFound(message: string): Response {
  return errorReply({ status: 404, type: 'invalid_request_error', code: 'key_not_found', message });
}
