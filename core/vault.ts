/**
 * Where backups live: a bucket or a directory. Names are paths of letters, digits, `-`, `_`, `.` and `/`
 * below what the vault was opened on.
 */
export interface Vault {
  /** For people, never with credentials: `s3://bucket/prefix`, `file:///path`. */
  readonly location: string;
  /**
   * Resolves only after the bytes were read back. Refuses to replace an object that holds anything else;
   * one that holds the very same is success, so that a put may be repeated.
   * @throws VaultConflict if the name is taken, VaultFailure for any other trouble
   */
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** The same for a file of this machine, in bounded memory, whatever its size. */
  putFile(name: string, file: LocalFile): Promise<void>;
  /** Like `put`, for the few objects that change: whatever was there is gone afterwards. */
  replace(name: string, bytes: Uint8Array): Promise<void>;
  /**
   * `undefined` means the vault answered that it has no such object; any other trouble rejects.
   * @throws VaultFailure, also for an object of more than `bytesMax` bytes
   */
  get(name: string, bytesMax: number): Promise<Uint8Array | undefined>;
  /** Writes an object to a new file at `path`, in bounded memory, and tells what was written. */
  getFile(name: string, path: string, options: GetFileOptions): Promise<LocalFile | undefined>;
  /**
   * All objects whose names begin with `folder`, which ends with `/`, in the order of their names.
   * An empty list is what it is, and no proof that there is nothing.
   */
  list(folder: string): Promise<readonly VaultObject[]>;
  /** Resolves when the object is gone, also if it was not there. */
  delete(name: string): Promise<void>;
  /** Tries out what the vault can do, with an object that is gone afterwards. @throws VaultFailure */
  probe(): Promise<VaultAbilities>;
  close(): Promise<void>;
}

/** A file of this machine, whole. `sha256` is in 64 lower-case hex digits. */
export interface LocalFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface GetFileOptions {
  readonly bytesMax: number;
  /** Called as bytes come, with how many there are by now. */
  onProgress?(bytes: number): void;
}

export interface VaultObject {
  readonly name: string;
  readonly bytes: number;
}

/** What a vault was found to do. */
export interface VaultAbilities {
  /** Whether the store itself refuses to replace an object; otherwise `put` looks first, and compares afterwards. */
  readonly conditionalWrites: boolean;
  /** Whether what was written can be deleted; a bucket under retention refuses. */
  readonly deletes: boolean;
}

const VAULT_NAME = /^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/;

/** Whether `name` may name an object: what it says of names above, and no step is `.` or `..`. */
export function isVaultName(name: string): boolean {
  return VAULT_NAME.test(name) && !name.split('/').some((step) => step === '.' || step === '..');
}

/** The name is taken by an object that holds something else. */
export class VaultConflict extends Error {
  override readonly name = 'VaultConflict';
}

export type VaultFailureKind =
  | 'unreachable' // no connection, no answer in time, an answer cut off
  | 'denied' // credentials or rights
  | 'missing' // no such bucket or directory
  | 'broken'; // answered, and not as a store must: what was read back is not what was written, a page of HTML

/** The vault did not do what it was asked for. The message is one line that names the vault and the way out. */
export class VaultFailure extends Error {
  override readonly name = 'VaultFailure';
  readonly kind: VaultFailureKind;

  constructor(kind: VaultFailureKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
