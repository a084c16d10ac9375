import type { LocalFile } from './vault.ts';

/**
 * Makes of plain bytes what is stored: compressed by zstd (RFC 8878) and, where a key is set, encrypted by age
 * (age-encryption.org/v1), so that a person opens it with `age -d | zstd -d` and without this program.
 */
export interface Sealer {
  /** What the name of a sealed object ends with: `.zst` or `.zst.age`. */
  readonly suffix: string;
  /** The public key (`age1…`) that is sealed for; `null`: nothing is encrypted. */
  readonly recipient: string | null;
  seal(plain: Uint8Array): Promise<Uint8Array>;
  /** @throws SealBroken, also where more than `bytesMax` plain bytes would come out */
  open(sealed: Uint8Array, bytesMax: number): Promise<Uint8Array>;
  /** Seals the file at `from` into a new one at `to`: both are told, the plain one as it was read. */
  sealFile(from: string, to: string): Promise<Sealed>;
  /** Opens the sealed file at `from` into a new one at `to`. Stops as soon as more than `bytesMax` bytes came out. */
  openFile(from: string, to: string, bytesMax: number): Promise<LocalFile>;
}

export interface Sealed {
  readonly plain: LocalFile;
  readonly sealed: LocalFile;
}

/** What was sealed cannot be opened: damaged, cut off, too large, or for another key. One line, with the way out. */
export class SealBroken extends Error {
  override readonly name = 'SealBroken';
}
