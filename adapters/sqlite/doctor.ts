import Database from 'better-sqlite3';
import type { Calendar } from '#core/window.ts';
import { calendarOf } from '#core/window.ts';
import { auditBalances, auditLimits } from './balance-audit.ts';
import { currentAccounts } from './current-accounts.ts';
import { asRefusal, refuseForeign } from './database.ts';
import { auditLedger } from './ledger-audit.ts';
import { MIGRATIONS, migratedTo } from './migrations.ts';
import { brokenOperation, verifyChain } from './operation-rows.ts';
import { type OwnSchema, ownSchema } from './own-schema.ts';
import { StoreRefused } from './store-refused.ts';
import { auditSums } from './sums-audit.ts';
import { usageAudit } from './usage-audit.ts';

/** One thing that was checked: how many rows it was about, and what was found wrong, in words. */
export interface Check {
  readonly name: string;
  readonly checked: number;
  readonly problems: readonly string[];
}

export type Examination = readonly Check[];

/**
 * Checks a database against the invariants of the ledger, beside a running server if there is one, and
 * changes nothing. Days and months are those of the zone that it was last served in. Reads every row; keeps in memory only
 * what is one for each key or open reservation.
 * @throws StoreRefused if the file is not there, or not a database of this version
 */
export function examine(path: string): Examination {
  const database = openToRead(path);
  try {
    refuseForeign(database, path);
    refuseOlder(migratedTo(database, path), path);
    // One read transaction: all checks see the same instant, whatever a server writes meanwhile.
    database.exec('BEGIN');
    return checksOf(database);
  } catch (error) {
    // So damaged that not even the schema can be read, or a table is gone from it: that is a finding, too.
    if (isCorrupt(error)) return [{ name: 'integrity', checked: 0, problems: [error.message] }];
    throw asRefusal(error, path);
  } finally {
    database.close();
  }
}

/** What is not there yet would be taken for gone. */
function refuseOlder(version: number, path: string): void {
  if (version === MIGRATIONS.length) return;
  throw new StoreRefused(
    `${path} has schema ${version}, of an older version: start this one on it first, or ask the doctor of that version`,
  );
}

function openToRead(path: string): Database.Database {
  try {
    return new Database(path, { readonly: true, fileMustExist: true });
  } catch (error) {
    throw new StoreRefused(`${path} cannot be opened (${String(error)}): is STORE_PATH right?`);
  }
}

function checksOf(database: Database.Database): Examination {
  const integrity = integrityOf(database);
  // What is said of rows that cannot be read is worth nothing.
  if (integrity.problems.length > 0) return [integrity];
  const calendar = calendarIn(database);
  const current = currentAccounts(database, calendar);
  const usage = usageAudit(database);
  const audit = auditLedger(database, current, calendar, usage.count);
  const entries = audit.entries;
  const { rows, problems } = usage.result();
  const own = ownSchema(database.pragma('user_version', { simple: true }) as number);
  return [
    integrity,
    { name: 'balances', checked: entries, problems: [...auditBalances(current, audit)] },
    { name: 'limits', checked: current.accounts.size + 1, problems: [...auditLimits(current, audit)] },
    {
      name: 'requests',
      checked: entries,
      problems: [...audit.requestProblems, ...altered(database, own, OBJECTS.requests)],
    },
    { name: 'order', checked: entries, problems: audit.orderProblems },
    { name: 'usage', checked: rows, problems: [...problems, ...auditSums(database)] },
    operationsOf(database, own),
  ];
}

/** Not that of whoever looks: elsewhere it may be another one. Nobody has served what has none. */
function calendarIn(database: Database.Database): Calendar {
  const zone = database.prepare<[], string>('SELECT time_zone FROM projection').pluck().get();
  return calendarOf(zone || 'UTC');
}

function isCorrupt(error: unknown): error is Error {
  return (
    error instanceof Database.SqliteError &&
    (error.code.startsWith('SQLITE_CORRUPT') || /^no such table:/.test(error.message))
  );
}

function integrityOf(database: Database.Database): Check {
  const found = database.pragma('integrity_check(20)', { simple: false }) as { integrity_check: string }[];
  const problems = found.map((row) => row.integrity_check).filter((text) => text !== 'ok');
  const pages = database.pragma('page_count', { simple: true }) as number;
  return { name: 'integrity', checked: pages, problems };
}

function operationsOf(database: Database.Database, own: OwnSchema): Check {
  const { count, brokenAt } = verifyChain(database);
  const broken = brokenAt === null ? [] : [brokenOperation(database, brokenAt)];
  return {
    name: 'operations',
    checked: count,
    problems: [...broken, ...altered(database, own, OBJECTS.operations)],
  };
}

/** What makes the database itself refuse what must never be. */
const OBJECTS = {
  requests: ['ledger_request'],
  operations: ['operations_stay_as_they_are', 'operations_stay'],
};

function altered(database: Database.Database, own: OwnSchema, names: readonly string[]): readonly string[] {
  const find = database.prepare<[string], string>('SELECT sql FROM sqlite_schema WHERE name = ?').pluck();
  return names.flatMap((name) => {
    const sql = find.get(name);
    if (sql === undefined) return [`${name} is gone from the schema`];
    return sql === own.get(name)?.sql ? [] : [`${name} in the schema is another one`];
  });
}
