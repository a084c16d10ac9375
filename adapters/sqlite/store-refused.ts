/** Why a database is refused, as far as it matters to what is to be done. */
export type RefusalKind = 'damaged' | 'full' | 'other';

/**
 * The database must not be served from: in use, damaged, foreign, newer than this program, or out of reach.
 * The message is one line that names the file and the way out. Nothing was changed.
 */
export class StoreRefused extends Error {
  override readonly name = 'StoreRefused';
  readonly kind: RefusalKind;

  constructor(message: string, kind: RefusalKind = 'other') {
    super(message);
    this.kind = kind;
  }
}
