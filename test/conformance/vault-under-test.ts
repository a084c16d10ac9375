import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import type { LocalFile, Vault } from '#core/vault.ts';

/** A vault that is empty, and its neighbours. */
export interface VaultUnderTest {
  readonly vault: Vault;
  /** Another vault in the same place, as another server would open it. */
  again(): Vault;
  /** A vault in a place that is not there: no such directory, no such bucket. */
  missing(): Vault;
}

export type OpenVault = () => Promise<VaultUnderTest>;

/** What a test has to work with. What it opens is closed after it. */
export interface VaultSubject {
  /** A fresh one for each test. */
  readonly vault: Vault;
  another(): Vault;
  missing(): Vault;
  /** A directory of this machine, for all tests of the suite. */
  readonly directory: string;
  writeLocal(file: string, bytes: Uint8Array): Promise<LocalFile>;
}

/** Opens a vault before each test of the suite that calls this, and cleans up. */
export function useVault(open: OpenVault): VaultSubject {
  const opened: Vault[] = [];
  let current: VaultUnderTest;
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'vault-conformance-'));
  });
  beforeEach(async () => {
    current = await open();
    opened.push(current.vault);
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((vault) => vault.close()));
  });
  afterAll(() => rm(directory, { recursive: true }));

  const kept = (vault: Vault) => {
    opened.push(vault);
    return vault;
  };
  return {
    get vault() {
      return current.vault;
    },
    get directory() {
      return directory;
    },
    another: () => kept(current.again()),
    missing: () => kept(current.missing()),
    async writeLocal(file, bytes) {
      const path = join(directory, file);
      await writeFile(path, bytes);
      return { path, bytes: bytes.length, sha256: sha256Of(bytes) };
    },
  };
}

export const ONE = Buffer.from('the first\n');
export const OTHER = Buffer.from('something else, and longer\n');
/** More bytes than any object has that is not said to be large. */
export const MANY = 1 << 20;

/** An object that is there. */
export async function readFrom(vault: Vault, name: string, bytesMax = MANY): Promise<Buffer> {
  const bytes = await vault.get(name, bytesMax);
  if (bytes === undefined) throw new Error(`there is no ${name}`);
  return Buffer.from(bytes);
}

/** Bytes of which no two stretches are alike, always the same. */
export function patternOf(bytes: number): Buffer {
  const pattern = Buffer.alloc(bytes);
  for (let at = 0, value = 1; at + 4 <= bytes; at += 4) {
    value = (Math.imul(value, 1_664_525) + 1_013_904_223) >>> 0;
    pattern.writeUInt32LE(value, at);
  }
  return pattern;
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
