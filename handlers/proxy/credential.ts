/** The one credential of a request, or why there is none to use. */
export type Credential =
  | { readonly kind: 'secret'; readonly secret: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'malformed' }
  | { readonly kind: 'several' };

/** Headers that a key may come in, beside `Authorization: Bearer`. */
export const KEY_HEADERS = ['x-api-key', 'x-trial-key'] as const;

/** In the place of a credential of another scheme: no key contains a space. */
const OF_OTHER_SCHEME = ' ';

/**
 * Reads the credential. Some SDKs send the same key in two headers: that counts as one. Others send the header of a key
 * that they do not have: what is empty counts as not sent.
 * A header that came twice was joined by a comma (RFC 9110 §5.3), which no key contains.
 */
export function credentialOf(headers: Headers): Credential {
  const given = new Set<string>();
  const authorization = headers.get('authorization') ?? '';
  if (authorization !== '') given.add(bearerOf(authorization));
  for (const name of KEY_HEADERS) given.add(headers.get(name) ?? '');
  given.delete('');
  const [secret, ...others] = given;
  if (secret === undefined) return { kind: 'missing' };
  if (others.length > 0 || secret.includes(',')) return { kind: 'several' };
  return /^[\x21-\x7e]+$/.test(secret) ? { kind: 'secret', secret } : { kind: 'malformed' };
}

/** The token of a bearer header (RFC 6750 §2.1), which may be empty. */
function bearerOf(authorization: string): string {
  return /^bearer( |$)/i.test(authorization) ? authorization.slice('bearer'.length).trim() : OF_OTHER_SCHEME;
}
