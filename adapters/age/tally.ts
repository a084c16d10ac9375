import { createHash } from 'node:crypto';
import type { LocalFile } from '#core/vault.ts';

/** Counts and hashes bytes as they pass by. */
export interface Tally {
  add(bytes: Uint8Array): void;
  /** To be asked once, at the end. */
  total(): Omit<LocalFile, 'path'>;
}

export function newTally(): Tally {
  const hash = createHash('sha256');
  let bytes = 0;
  return {
    add(more) {
      hash.update(more);
      bytes += more.length;
    },
    total: () => ({ bytes, sha256: hash.digest('hex') }),
  };
}
