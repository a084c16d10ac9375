/** A key for X25519. What is sealed for the newer kinds is not opened by age before 1.3, as Debian 12 has it. */
const PREFIX = 'AGE-SECRET-KEY-1';

/** A new secret key, made of 256 random bits by the library. */
export async function makeIdentity(): Promise<string> {
  const { generateX25519Identity } = await import('age-encryption');
  return generateX25519Identity();
}

/**
 * The public key (`age1…`) of a secret one.
 * @throws Error if `identity` is none; what it is stays out of the message
 */
export async function recipientOf(identity: string): Promise<string> {
  const recipient = await derived(identity);
  if (recipient === undefined) {
    throw new Error(
      'the key is not one of age: AGE-SECRET-KEY-1 and 58 letters and digits, as keygen tells it',
    );
  }
  return recipient;
}

async function derived(identity: string): Promise<string | undefined> {
  if (!identity.startsWith(PREFIX)) return undefined;
  const { identityToRecipient } = await import('age-encryption');
  try {
    return await identityToRecipient(identity);
  } catch {
    // Not passed on: the library's message about a wrong checksum holds the whole key.
    return undefined;
  }
}
