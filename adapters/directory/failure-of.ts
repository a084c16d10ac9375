import type { VaultFailureKind } from '#core/vault.ts';
import { VaultConflict, VaultFailure } from '#core/vault.ts';

/** What Node says went wrong → what it means for the vault, and the way out. */
const REASONS: Readonly<Record<string, { kind: VaultFailureKind; hint: string }>> = {
  ENOENT: { kind: 'missing', hint: 'there is no such directory; create it, or mount the disk that has it' },
  ENOTDIR: { kind: 'missing', hint: 'it is not a directory, or has a file in the place of one' },
  EACCES: { kind: 'denied', hint: 'let the user that runs quota-proxy read, write and enter it' },
  EPERM: { kind: 'denied', hint: 'let the user that runs quota-proxy write and link files in it' },
  EROFS: { kind: 'denied', hint: 'it is on a read-only file system' },
  ENOSPC: { kind: 'broken', hint: 'there is no space left; make room' },
  EDQUOT: { kind: 'broken', hint: 'the quota of its user is used up; make room' },
  ENOTSUP: { kind: 'broken', hint: 'its file system has no hard links; use another' },
};
const OTHERWISE = { kind: 'broken', hint: 'look at the disk, and at the log of the system' } as const;

/** Turns whatever went wrong into what the port promises: a function that always throws. */
export function failureOf(location: string): (error: unknown) => never {
  return (error) => {
    const code = codeOf(error);
    if (error instanceof VaultConflict || error instanceof VaultFailure || code === undefined) throw error;
    const { kind, hint } = REASONS[code] ?? OTHERWISE;
    throw new VaultFailure(kind, `${location}: ${code}: ${hint}`, { cause: error });
  };
}

/** For `catch`: errors with these codes are an answer, `undefined`; any other is thrown on. */
export function answered(...codes: readonly string[]): (error: unknown) => undefined {
  return (error) => {
    if (codes.includes(codeOf(error) ?? '')) return undefined;
    throw error;
  };
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
