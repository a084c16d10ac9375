import type { Buckets, Instant } from './model.ts';

/** One database's identity, 32 lower-case hex digits. A restored copy gets a new one when it is put in place. */
export type LineageId = string;

export interface Lineage {
  readonly id: LineageId;
  /** What it was restored from; `null` for a database that began empty. */
  readonly parent: LineageId | null;
}

/** How far a database is: the last ledger entry, operation, and change to a key or the sponsor's terms. */
export interface Mark {
  readonly ledgerN: number;
  readonly operationN: number;
  readonly keyChangeN: number;
}

/** The rows of a table, and a digest that does not depend on their order. */
export interface TableDigest {
  readonly rows: number;
  /** 64 lower-case hex digits. */
  readonly digest: string;
}

/** What a copy of a database was found to be, every page and row of it read. */
export interface SnapshotFacts {
  readonly lineage: Lineage;
  /** Number of the last migration. */
  readonly schema: number;
  readonly mark: Mark;
  readonly tables: Readonly<Record<string, TableDigest>>;
  readonly bytes: number;
}

/** Rows that came after a mark, as JSON lines. */
export interface NewRows {
  readonly text: string;
  readonly rows: number;
  readonly through: Mark;
  /** What all keys together stood at after these rows; `null` where there are more rows than these. */
  readonly sponsor: Buckets | null;
}

/** What of the backups into one vault a database remembers. */
export interface BackupState {
  /** A random text, also in the vault, by which the vault is this database's. */
  readonly claim: string;
  /** The last segment there, or the snapshot that the chain begins with; `null` before the first snapshot. */
  readonly shipped: Shipped | null;
  /** What was about to be put after that: it may be there, or not. */
  readonly pending: Pending | null;
  /** The last one, and the public key that it was encrypted for. */
  readonly snapshot: { readonly id: string; readonly at: Instant; readonly recipient: string | null } | null;
  readonly drill: DrillRecord | null;
}

export interface Shipped {
  /** Number of the segment; 0 for the snapshot that the chain begins with. */
  readonly segment: number;
  /** Of its text: what the next one names as `previous`. */
  readonly sha256: string;
  readonly mark: Mark;
  readonly cutAt: Instant;
}

export interface Pending extends Shipped {
  /** Of the object that was to be put; missing where 0.1.0 remembered it. */
  readonly sealedSha256?: string;
}

/** What a database remembers of a vault at first, beside its claim. */
export const NOTHING_SHIPPED: Omit<BackupState, 'claim'> = {
  shipped: null,
  pending: null,
  snapshot: null,
  drill: null,
};

/** A restore that was rehearsed. */
export interface DrillRecord {
  readonly snapshotId: string;
  readonly at: Instant;
  readonly durationMs: number;
  readonly segments: number;
  /** What was wrong, in words; empty: the backup restores. */
  readonly problems: readonly string[];
}

/** What is written into a database that is being served, as far as backups follow it. */
export interface History {
  lineage(): Promise<Lineage>;
  mark(): Promise<Mark>;
  /** The rows after `mark`, at most `rowsMax`; `undefined` if there are none. A key comes before its entries. */
  rowsAfter(mark: Mark, rowsMax: number): Promise<NewRows | undefined>;
  /** What was remembered of the vault at `location`. */
  backupState(location: string): Promise<BackupState | undefined>;
  rememberBackup(location: string, state: BackupState): Promise<void>;
}

/** Makes copies of the database that is being served. */
export interface SnapshotSource {
  /**
   * Makes a consistent copy at `path`, where nothing is yet, while requests go on, and reads it whole.
   * @throws CopyBroken if the copy is not what it should be
   */
  copy(path: string): Promise<SnapshotFacts>;
}

/** Copies of databases that nobody serves: what a drill and a restore do with them. */
export interface Copies {
  /** Reads every page and row. @throws CopyBroken */
  inspect(path: string): Promise<SnapshotFacts>;
  /**
   * Adds the rows in the file `rowsPath` (JSON lines of `NewRows`), by core's `apply`, and brings all accounts up to
   * date. Rows that the copy has already must be the same.
   * @throws CopyBroken if they are not, or do not follow
   */
  replay(path: string, rowsPath: string): Promise<Replayed>;
  /** What breaks the ledger's invariants, or what an independent reader of the format sees otherwise. */
  audit(path: string): Promise<readonly string[]>;
  /** Makes it a database of its own lineage, and moves it to `target`, where nothing is yet. */
  moveTo(path: string, target: string): Promise<void>;
  /**
   * Makes it a database of its own lineage, with a claim to the vault where there is one, and puts it in the place of the
   * served one. A kill at any moment leaves the one or the other, never a mix. Resolves with the new lineage.
   */
  install(path: string, place: InstallPlace): Promise<Lineage>;
}

export interface InstallPlace {
  readonly storePath: string;
  /** A folder that is made for the database that is there; `null`: there is none. */
  readonly asidePath: string | null;
  readonly claim: VaultClaim | null;
}

/** By which a database knows a vault as its own. */
export interface VaultClaim {
  readonly location: string;
  readonly claim: string;
}

export interface Replayed {
  readonly mark: Mark;
  readonly sponsor: Buckets;
}

/** A copy of a database is damaged, or not what it was said to be. One line that says how. */
export class CopyBroken extends Error {
  override readonly name = 'CopyBroken';
}
