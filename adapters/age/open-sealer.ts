import type { Sealed, Sealer } from '#core/sealer.ts';
import type { LocalFile } from '#core/vault.ts';
import { recipientOf } from './identity.ts';
import { seal, sealFile } from './seal.ts';
import { openFile, unseal } from './unseal.ts';

export interface SealerOptions {
  /** A secret key of age; `null`: nothing is encrypted, and nothing encrypted is opened. */
  readonly identity: string | null;
  /** Who does the work on files: by default the calling thread, which is held meanwhile. */
  readonly files?: SealedFiles;
}

/** `sealFile` and `openFile` of this folder, or the same in a worker thread. All arguments can be posted. */
export interface SealedFiles {
  sealFile(from: string, to: string, recipient: string | null): Promise<Sealed>;
  openFile(from: string, to: string, identity: string | null, bytesMax: number): Promise<LocalFile>;
}

/** Seals by zstd and age, whose library is loaded when there is a key. @throws Error if `identity` is none */
export async function openSealer({
  identity,
  files = { sealFile, openFile },
}: SealerOptions): Promise<Sealer> {
  const recipient = identity === null ? null : await recipientOf(identity);
  return {
    suffix: recipient === null ? '.zst' : '.zst.age',
    recipient,
    seal: (plain) => seal(plain, recipient),
    open: (sealed, bytesMax) => unseal(sealed, identity, bytesMax),
    sealFile: (from, to) => files.sealFile(from, to, recipient),
    openFile: (from, to, bytesMax) => files.openFile(from, to, identity, bytesMax),
  };
}
