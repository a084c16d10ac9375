import Database from 'better-sqlite3';

/** What one call asked for contradicts what is recorded. It alone fails; others in its transaction do not. */
export class Conflict extends Error {
  override readonly name = 'Conflict';
}

/** Whether a statement was refused because something by that name exists. */
export function isConflict(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code === 'SQLITE_CONSTRAINT_UNIQUE';
}
