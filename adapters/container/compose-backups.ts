import { systemClock } from '#adapters/system/system-clock.ts';
import type { Sealer } from '#core/sealer.ts';
import type { Copies, SnapshotFacts, SnapshotSource } from '#core/snapshot.ts';
import type { Spool } from '#core/spool.ts';
import type { Vault } from '#core/vault.ts';
import type { RestoreParts } from '#handlers/backup/backup-parts.ts';
import type { BackupConfig } from './backup-config.ts';
import { ConfigError } from './config-error.ts';
import type { RunJob } from './job-thread.ts';

export interface StorePlace {
  readonly storePath: string;
  readonly timeZone: string;
}

/**
 * Opens what backups are read with; `runJob` does the work on whole databases. Nobody else may have the spool beside the
 * database. @throws ConfigError
 */
export async function openRestoreParts(
  { storePath, timeZone }: StorePlace,
  config: BackupConfig,
  runJob: RunJob,
): Promise<RestoreParts> {
  return {
    vault: await openVault(config),
    sealer: await openSealer(config, runJob),
    spool: await openStoreSpool(storePath, config.spoolBytesMax),
    copies: await openCopies(timeZone, runJob),
  };
}

/** Room for copies beside the database, on the same file system. */
export async function openStoreSpool(storePath: string, bytesMax: number): Promise<Spool> {
  const { openSpool } = await import('#adapters/system/open-spool.ts');
  const { resolveStorePath } = await import('#adapters/sqlite/database.ts');
  return openSpool({ path: `${resolveStorePath(storePath)}.spool`, bytesMax });
}

/** Copies of the database at `storePath`, made beside whoever serves it. */
export function openSnapshotSource(storePath: string, runJob: RunJob): SnapshotSource {
  return { copy: (path) => runJob('copyDatabase', storePath, path) };
}

/** @throws StoreRefused if a server has the database at this moment */
export async function refuseServed(storePath: string): Promise<void> {
  const { resolveStorePath } = await import('#adapters/sqlite/database.ts');
  const { takeLock } = await import('#adapters/sqlite/lock.ts');
  takeLock(resolveStorePath(storePath)).release();
}

/** A copy of the database at `storePath` in a new file, made beside whoever serves it, and read whole. */
export async function copyStore(storePath: string, file: string): Promise<SnapshotFacts> {
  const { jobRunner } = await import('./job-thread.ts');
  const { syncPath } = await import('#adapters/sqlite/sync-path.ts');
  const facts = await jobRunner({ givesWay: true })('copyDatabase', storePath, file);
  syncPath(file);
  return facts;
}

/** A new secret key of age, and the public key that it is for. */
export async function makeEncryptionKey(): Promise<{ identity: string; recipient: string }> {
  const { makeIdentity, recipientOf } = await import('#adapters/age/identity.ts');
  const identity = await makeIdentity();
  return { identity, recipient: await recipientOf(identity) };
}

/** The pepper of a configuration, if there is one. */
export async function keptPepper(given: string | null, pepperPath: string): Promise<string | undefined> {
  const { keptSecret } = await import('#adapters/system/secret-file.ts');
  return given ?? keptSecret(pepperPath);
}

/** By which the pepper of a configuration is recognised in backups; `null` if there is none. */
export async function ownPepperCheck(given: string | null, pepperPath: string): Promise<string | null> {
  const { secretsUnder } = await import('#adapters/system/secrets-under.ts');
  const { pepperCheckOf } = await import('#handlers/backup/backup-parts.ts');
  const pepper = await keptPepper(given, pepperPath);
  return pepper === undefined ? null : pepperCheckOf(secretsUnder(new TextEncoder().encode(pepper)));
}

/** The public key that backups are encrypted for; `null`: they are not. */
export async function publicKeyOf(config: BackupConfig): Promise<string | null> {
  const { recipientOf } = await import('#adapters/age/identity.ts');
  return config.identity === null ? null : recipientOf(config.identity);
}

/** Where the backups are. */
export async function openVault({ target }: BackupConfig): Promise<Vault> {
  if (target.kind === 'directory') {
    const { openDirectoryVault } = await import('#adapters/directory/open-directory-vault.ts');
    return openDirectoryVault({ path: target.path });
  }
  const { openS3Vault } = await import('#adapters/s3/open-s3-vault.ts');
  const { S3_LIMITS } = await import('#adapters/s3/s3-config.ts');
  return openS3Vault({ ...target, limits: S3_LIMITS });
}

async function openSealer({ identity }: BackupConfig, runJob: RunJob): Promise<Sealer> {
  const { openSealer } = await import('#adapters/age/open-sealer.ts');
  const files = {
    sealFile: (from: string, to: string, recipient: string | null) => runJob('sealFile', from, to, recipient),
    openFile: (from: string, to: string, key: string | null, bytesMax: number) =>
      runJob('openFile', from, to, key, bytesMax),
  };
  try {
    return await openSealer({ identity, files });
  } catch {
    throw new ConfigError([
      'BACKUP_ENCRYPTION_KEY is no secret key of age: make one with quota-proxy backup keygen',
    ]);
  }
}

/** What is done with copies that nobody serves. */
export async function openCopies(timeZone: string, runJob: RunJob): Promise<Copies> {
  const { beginLineage } = await import('#adapters/sqlite/begin-lineage.ts');
  const { installCopy } = await import('#adapters/sqlite/install-copy.ts');
  const { moveCopy } = await import('#adapters/sqlite/move-copy.ts');
  return {
    async inspect(path) {
      // Two readers of the same pages, which are read from the disk once.
      const [facts] = await Promise.all([runJob('describeCopy', path), runJob('checkCopy', path)]);
      return facts;
    },
    replay: (path, rowsPath) => runJob('replayRows', path, rowsPath, timeZone),
    audit: (path) => runJob('auditCopy', path),
    async moveTo(path, target) {
      beginLineage(path, null);
      moveCopy(path, target);
    },
    async install(path, { storePath, asidePath, claim }) {
      const lineage = beginLineage(path, claim);
      // Where there is nothing, nothing is moved there, and the folder is not made.
      installCopy({ copyPath: path, storePath, asidePath: asidePath ?? `${storePath}.replaced` });
      return lineage;
    },
  };
}

/** Milliseconds of a clock that is never set, for whoever tells how long something takes. */
export function elapsedMs(): number {
  return systemClock.elapsedMs();
}
