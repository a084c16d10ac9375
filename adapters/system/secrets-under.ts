import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import type { Secrets } from '#core/ports.ts';

/**
 * Secrets under `pepper`, which is kept outside the database: a copy of the database alone authenticates nobody.
 * @throws Error if the pepper is empty
 */
export function secretsUnder(pepper: Uint8Array): Secrets {
  if (pepper.length === 0) throw new Error('the pepper is empty');
  const key = createSecretKey(pepper);
  const hmac = (text: string) => createHmac('sha256', key).update(text);
  return {
    digest: (secret) => hmac(secret).digest('hex'),
    isOneOf(given, expected) {
      const digest = hmac(given).digest();
      let found = false;
      // Every one is looked at, and digests have one length: time tells neither which matched nor how far.
      for (const secret of expected) {
        if (timingSafeEqual(digest, hmac(secret).digest())) found = true;
      }
      return found;
    },
  };
}
