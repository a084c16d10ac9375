import type Database from 'better-sqlite3';
import type { BackupState, Lineage, Mark, NewRows } from '#core/snapshot.ts';
import { lineageOf, markOf } from './inspect-copy.ts';
import { columnsOf, rowAsObject } from './row-json.ts';

/** What backups read of a database that is being served, and remember in it. Belongs inside a transaction. */
export interface BackupRows {
  lineage(): Lineage;
  mark(): Mark;
  /** Without what the sponsor stands at: tables may be behind the entries. */
  rowsAfter(mark: Mark, rowsMax: number): (Omit<NewRows, 'sponsor'> & { readonly all: boolean }) | undefined;
  state(location: string): BackupState | undefined;
  remember(location: string, state: BackupState): void;
}

export function backupRows(database: Database.Database): BackupRows {
  const state = database
    .prepare<[string], string>('SELECT state FROM backup_state WHERE location = ?')
    .pluck();
  const remember = database.prepare('REPLACE INTO backup_state VALUES (?, ?)');
  const rowsAfter = rowReader(database);
  return {
    lineage: () => lineageOf(database),
    mark: () => markOf(database),
    rowsAfter,
    state(location) {
      const text = state.get(location);
      return text === undefined ? undefined : (JSON.parse(text) as BackupState);
    },
    remember: (location, value) => void remember.run(location, JSON.stringify(value)),
  };
}

/**
 * Each line is `{"entry": {…}}`, `{"operation": {…}}`, `{"key": {…}}`, `{"application": {…}}` or `{"sponsor": {…}}`, by the
 * tables' columns. A key that was claimed changed before its application did, and comes before it.
 */
function rowReader(database: Database.Database): BackupRows['rowsAfter'] {
  const line = (kind: string, table: string) =>
    `json_object('${kind}', ${rowAsObject(columnsOf(database, table))}) AS line`;
  type Numbered = { readonly n: number; readonly line: string };
  const since = (kind: string, table: string) =>
    database.prepare<[number, number], Numbered>(
      `SELECT n, ${line(kind, table)} FROM ${table} WHERE n > ? ORDER BY n LIMIT ?`,
    );
  const entries = since('entry', 'ledger');
  const operations = since('operation', 'operations');
  const changes = database.prepare<[number, number], { n: number; key_id: Buffer }>(
    'SELECT n, key_id FROM key_changes WHERE n > ? ORDER BY n LIMIT ?',
  );
  const key = database
    .prepare<[Buffer], string>(`SELECT ${line('key', 'keys')} FROM keys WHERE id = ?`)
    .pluck();
  const application = database
    .prepare<[Buffer], string>(`SELECT ${line('application', 'applications')} FROM applications WHERE id = ?`)
    .pluck();
  const sponsor = database.prepare<[], string>(`SELECT ${line('sponsor', 'sponsor')} FROM sponsor`).pluck();

  return (mark, rowsMax) => {
    const changed = changes.all(mark.keyChangeN, rowsMax);
    // Keys come first: an entry must never be known before its key.
    const left = rowsMax - changed.length;
    const operated = operations.all(mark.operationN, left);
    const recorded = entries.all(mark.ledgerN, left - operated.length);
    if (changed.length + operated.length + recorded.length === 0) return undefined;
    const ids = new Map(changed.map(({ key_id }) => [key_id.toString('hex'), key_id]));
    const keys = [...ids].map(([hex, id]) =>
      /^0+$/.test(hex) ? sponsor.get() : (key.get(id) ?? application.get(id)),
    );
    // An application that was forgotten since is no row any more.
    const there = keys.filter((found) => found !== undefined);
    const lines = [...there, ...operated.map((row) => row.line), ...recorded.map((row) => row.line)];
    const through = {
      ledgerN: recorded.at(-1)?.n ?? mark.ledgerN,
      operationN: operated.at(-1)?.n ?? mark.operationN,
      keyChangeN: changed.at(-1)?.n ?? mark.keyChangeN,
    };
    const now = markOf(database);
    const all =
      now.ledgerN === through.ledgerN &&
      now.operationN === through.operationN &&
      now.keyChangeN === through.keyChangeN;
    return { text: lines.map((text) => `${text}\n`).join(''), rows: lines.length, through, all };
  };
}
