import { SealBroken } from '#core/sealer.ts';
import { recipientOf } from './identity.ts';

/** The first line of a file of age (age-encryption.org/v1). */
export const AGE_MAGIC = Buffer.from('age-encryption.org/v1\n');

/**
 * What a file of age holds. Nothing comes out that was not authenticated; that it was cut off shows at its end.
 * @param first - the first of `pieces`: all of the header is in it, or it is none
 * @throws SealBroken, Error if `identity` is none, and whatever `pieces` throws
 */
export async function* decrypted(
  first: Uint8Array,
  pieces: Iterable<Uint8Array>,
  identity: string | null,
): AsyncGenerator<Uint8Array> {
  if (identity === null) {
    throw new SealBroken(
      'encrypted, and there is no key: set BACKUP_ENCRYPTION_KEY to the one it was sealed for',
    );
  }
  const decrypter = await decrypterFor(identity);
  try {
    // By itself first: within a stream the library looks for the header's end as far as the stream goes.
    await decrypter.decryptHeader(first);
  } catch (error) {
    throw error instanceof Error && NO_STANZA_FITS.test(error.message)
      ? forAnotherKey(error)
      : damaged(error);
  }
  try {
    yield* await decrypter.decrypt(ReadableStream.from(pieces));
  } catch (error) {
    const isFileSystems = error instanceof Error && 'syscall' in error;
    throw isFileSystems ? error : damaged(error);
  }
}

/** The library has no other sign of it. */
const NO_STANZA_FITS = /^no identity matched/;

async function decrypterFor(identity: string) {
  // What is no key is refused here: the library's own message would hold it.
  await recipientOf(identity);
  const { Decrypter } = await import('age-encryption');
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  return decrypter;
}

function forAnotherKey(cause: unknown): SealBroken {
  // A damaged stanza cannot be told from one for somebody else: there is no checksum but the key's own.
  const message =
    'for another key: set BACKUP_ENCRYPTION_KEY to the one it was sealed for (or its header is damaged)';
  return new SealBroken(message, { cause });
}

function damaged(cause: unknown): SealBroken {
  return new SealBroken('damaged: not all of it is what was encrypted; take another copy', { cause });
}
