import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import type { Secrets } from '#core/ports.ts';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
// As NIST SP 800-38D §8.2 would have them.
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** No other use of the pepper derives the same bytes (RFC 5869 §3.2). */
const SEALED_REPLY = 'quota-proxy sealed reply 1';
const DERIVED_SECRET = 'quota-proxy derived secret 1';

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
    derive: (from, count) => new Uint8Array(hkdfSync('sha256', key, from, DERIVED_SECRET, count)),
    seal(text, under) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, keyUnder(key, under), nonce);
      const encrypted = [cipher.update(text, 'utf8'), cipher.final()];
      return Buffer.concat([nonce, ...encrypted, cipher.getAuthTag()]).toString('base64');
    },
    unseal(sealed, under) {
      const bytes = Buffer.from(sealed, 'base64');
      if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
      const options = { authTagLength: TAG_BYTES };
      const nonce = bytes.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv(CIPHER, keyUnder(key, under), nonce, options);
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      try {
        const text = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
        return Buffer.concat([text, decipher.final()]).toString('utf8');
      } catch {
        return undefined;
      }
    },
  };
}

/** RFC 5869, with the pepper as what is derived from and `under` as salt: who lacks either has nothing. */
function keyUnder(pepper: KeyObject, under: string): Buffer {
  return Buffer.from(hkdfSync('sha256', pepper, under, SEALED_REPLY, KEY_BYTES));
}
