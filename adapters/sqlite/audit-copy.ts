import { DatabaseSync } from 'node:sqlite';
import Database from 'better-sqlite3';
import { examine } from './doctor.ts';
import { DIGESTED_TABLES } from './table-digests.ts';

/**
 * What is wrong with a copy, in words: what `quota-proxy doctor` finds, and what Node's own SQLite, which is another
 * build of another version, reads otherwise than ours. Not what reports count wrong: a copy is as good as its database,
 * and by what was counted wrong there once, every backup would be a damaged one. Blocks the thread that it runs in.
 * @throws CopyBroken if the copy cannot be read at all
 */
export function auditCopy(path: string): readonly string[] {
  const found = examine(path).flatMap(({ name, problems }) =>
    name === 'usage' ? [] : problems.map((problem) => `${name}: ${problem}`),
  );
  return [...found, ...independentProblems(path)];
}

function independentProblems(path: string): readonly string[] {
  const ours = rowCounts(path);
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const integrity = database.prepare('PRAGMA integrity_check(1)').get()?.['integrity_check'];
    const problems = integrity === 'ok' ? [] : [`independent reader: ${String(integrity)}`];
    for (const [table, rows] of ours) {
      const count = database.prepare(`SELECT count(*) AS rows FROM ${table}`).get()?.['rows'];
      if (count !== rows)
        problems.push(`independent reader: ${count} rows in ${table}, where we see ${rows}`);
    }
    return problems;
  } catch (error) {
    return [`independent reader: ${error instanceof Error ? error.message : String(error)}`];
  } finally {
    database.close();
  }
}

function rowCounts(path: string): ReadonlyMap<string, number> {
  const database = new Database(path, { readonly: true, fileMustExist: true });
  try {
    const count = (table: string) =>
      database.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get() ?? 0;
    return new Map(DIGESTED_TABLES.map((table) => [table, count(table)]));
  } finally {
    database.close();
  }
}
