import type { Observer } from '#core/observer.ts';
import type { Clock, Ids, OperationLog, Secrets } from '#core/ports.ts';
import type { Sealer } from '#core/sealer.ts';
import type { Copies, History, SnapshotSource } from '#core/snapshot.ts';
import type { Spool } from '#core/spool.ts';
import type { Vault } from '#core/vault.ts';

/** What reading backups takes: a drill, a restore, a list. */
export interface RestoreParts {
  readonly vault: Vault;
  readonly sealer: Sealer;
  readonly spool: Spool;
  readonly copies: Copies;
}

/** What making backups takes beside that. */
export interface BackupParts extends RestoreParts {
  readonly history: History;
  readonly source: SnapshotSource;
  readonly operations: OperationLog;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly secrets: Secrets;
  readonly observer: Observer;
  /** Of this program. */
  readonly version: string;
  readonly timeZone: string;
  /** Bytes of the database and its log: what a copy may take. */
  databaseBytes(): Promise<number>;
}

/** By which a pepper is recognised, without giving anything of it away: the digest of a text that is no secret. */
export function pepperCheckOf(secrets: Secrets): string {
  return secrets.digest('quota-proxy pepper check').slice(0, PEPPER_CHECK_DIGITS);
}

const PEPPER_CHECK_DIGITS = 16;
