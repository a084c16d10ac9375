import { statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type Database from 'better-sqlite3';
import { amended, ledgerTime } from '#core/amend.ts';
import { bringIn } from '#core/bring-in.ts';
import type { Command, ResultOf } from '#core/command.ts';
import { decide } from '#core/decide.ts';
import type { KeyAmendment, KeyQuery } from '#core/key-registry.ts';
import type { ApiKey, Digest, Instant } from '#core/model.ts';
import type { OperationDraft } from '#core/operation.ts';
import type { PastUse } from '#core/past-use.ts';
import type { LapsedReservation, StoreStatus } from '#core/ports.ts';
import { type Rotation, rotated } from '#core/rotate.ts';
import type { Mark, NewRows } from '#core/snapshot.ts';
import { applicationMethods } from './application-methods.ts';
import { type BackupRows, backupRows } from './backup-rows.ts';
import { carriedRows } from './carried-rows.ts';
import { Conflict } from './conflict.ts';
import { entryRemover } from './entry-remover.ts';
import { makeChange } from './make-change.ts';
import type { Methods } from './methods.ts';
import { type OperationRows, operationRows } from './operation-rows.ts';
import { find, findByDigest, type Projection, putKey, putTerms, record, reject } from './projection.ts';
import { receiptRows } from './receipt-rows.ts';
import { replyRows } from './reply-rows.ts';
import { usageReport } from './usage-report.ts';

/** What each method does inside the writer's transaction. `close` is the loop's own. */
export function writerMethods(database: Database.Database, projection: Projection): Omit<Methods, 'close'> {
  const operations = operationRows(database);
  const receipts = receiptRows(database);
  const backups = backupRows(database);
  const replies = replyRows(database);
  // Changes a page, as a commit must to prove that it can: an empty transaction succeeds on a full disk, and so does
  // one that writes what is there already, which SQLite leaves out.
  const touch = database.prepare('UPDATE projection SET checked = 1 - checked');
  const log = (operation: OperationDraft | null) => operation && operations.append(operation);
  const applications = applicationMethods(database, {
    addKey: (key) => addKey(projection, operations, key, null),
    log,
  });
  const methods: Omit<Methods, 'close'> = {
    execute: (command) => execute(projection, command),
    lapsed: (at, limit) => lapsed(projection, at, limit),
    addKey: (key, operation) => addKey(projection, operations, key, operation),
    bringIn: (key, history, at, operation) =>
      bringInKey(projection, operations, { key, history, at, operation }),
    amendKey(id, amendment, operation) {
      const key = amendKey(projection, id, amendment);
      if (key !== undefined) log(operation);
      return key;
    },
    rotateKey(id, rotation, operation) {
      const key = rotateKey(projection, id, rotation);
      if (key !== undefined) log(operation);
      return key;
    },
    account: (ref) => ('id' in ref ? find(projection, ref.id) : findByDigest(projection, ref.digest)),
    scanKeys: (query) => scanKeys(projection, query),
    sponsor: () => projection.staged.sponsor,
    setSponsorQuotas(quotas, at, operation) {
      log(operation);
      return putTerms(projection, { quotas, quotasSetAt: ledgerTime(projection.staged.sponsor, at) });
    },
    ...applications,
    appendOperation: operations.append,
    scanOperations: operations.scan,
    verifyOperations: operations.verify,
    writeBack: () =>
      projection.unwritten.size - projection.staged.written.length > projection.limits.writtenAccounts,
    scanUsage: usageReport(database),
    receipt: receipts.receipt,
    scanReceipts: receipts.scan,
    daysInUse: projection.windows.latestDays,
    removeEntries: entryRemover(database, projection),
    lineage: backups.lineage,
    mark: backups.mark,
    rowsAfter: (mark, rowsMax) => rowsAfter(projection, backups, mark, rowsMax),
    backupState: backups.state,
    rememberBackup: backups.remember,
    check: () => void touch.run(),
    status: statusReader(database, projection),
    findReply: replies.find,
    registryVersion: () => backups.mark().keyChangeN,
    record({ changes, version, reply }) {
      if (version !== null && version !== methods.registryVersion()) return false;
      for (const change of changes) makeChange(change, methods);
      if (reply !== null) replies.keep(reply);
      return true;
    },
    forgetReplies: replies.forget,
  };
  return methods;
}

function execute(projection: Projection, command: Command): ResultOf<Command> {
  const account =
    command.kind === 'reserve' ? findByDigest(projection, command.digest) : find(projection, command.keyId);
  const { entries, result } = decide(account, command, projection.calendar);
  if (account === undefined) return result;
  let current = account;
  for (const entry of entries) current = record(projection, current, entry);
  if (command.kind === 'reserve' && entries.length === 0) reject(projection, account.key.id, command.at);
  return result;
}

function lapsed({ open, orphans }: Projection, at: number, limit: number): readonly LapsedReservation[] {
  return [...open.values()]
    .filter(({ reservation }) => reservation.lapsesAt <= at || orphans.has(reservation.id))
    .sort((a, b) => a.n - b.n)
    .slice(0, limit)
    .map(({ reservation }) => ({ requestId: reservation.id, keyId: reservation.keyId }));
}

function addKey(
  projection: Projection,
  operations: OperationRows,
  key: ApiKey,
  operation: OperationDraft | null,
): void {
  const { keys } = projection;
  if (keys.byId(key.id) !== undefined) throw new Conflict(`there is a key with the id ${key.id}`);
  refuseTaken(projection, key.digest);
  keys.insert(key);
  if (operation !== null) operations.append(operation);
}

function refuseTaken({ keys }: Projection, digest: Digest): void {
  if (keys.byDigest(digest) !== undefined) throw new Conflict('there is a key with this digest');
}

interface BroughtIn {
  readonly key: ApiKey;
  readonly history: readonly PastUse[];
  readonly at: Instant;
  readonly operation: OperationDraft | null;
}

/** What can be wrong is found before the first row is written: a neighbour in the same transaction is not harmed. */
function bringInKey(
  projection: Projection,
  operations: OperationRows,
  { key, history, at, operation }: BroughtIn,
) {
  if (projection.keys.byDigest(key.digest) !== undefined) return false;
  const entries = entriesOf(projection, key, history, at);
  addKey(projection, operations, key, operation);
  let account = find(projection, key.id);
  for (const entry of entries) account = account && record(projection, account, entry);
  return true;
}

function entriesOf({ staged }: Projection, { id }: ApiKey, history: readonly PastUse[], at: Instant) {
  try {
    return bringIn(id, history, staged.sponsor, at);
  } catch (error) {
    throw new Conflict(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function amendKey(projection: Projection, id: string, amendment: KeyAmendment): ApiKey | undefined {
  const account = find(projection, id);
  if (account === undefined || account.key.deletedAt !== null) return undefined;
  const key = amended(account.key, amendment, account.sponsor);
  putKey(projection, account, key);
  return key;
}

function rotateKey(projection: Projection, id: string, rotation: Rotation): ApiKey | undefined {
  const account = find(projection, id);
  if (account === undefined || account.key.deletedAt !== null) return undefined;
  refuseTaken(projection, rotation.digest);
  const key = rotated(account.key, rotation);
  putKey(projection, account, key);
  return key;
}

function scanKeys(projection: Projection, query: KeyQuery) {
  const { items, next } = projection.keys.scan(query);
  const accounts = items.map(({ id }) => {
    const account = find(projection, id);
    if (account === undefined) throw new Error(`key ${id} was listed and is not there`);
    return account;
  });
  return { items: accounts, next };
}

/** The projection in memory is exact as of the last row: what a restored copy adds up to must be the same. */
function rowsAfter(
  { staged }: Projection,
  backups: BackupRows,
  mark: Mark,
  rowsMax: number,
): NewRows | undefined {
  const found = backups.rowsAfter(mark, rowsMax);
  if (found === undefined) return undefined;
  const { all, ...rows } = found;
  return { ...rows, sponsor: all ? staged.sponsor.buckets : null };
}

function statusReader(database: Database.Database, projection: Projection): () => StoreStatus {
  const path = database.name;
  const version = database.prepare<[], string>('SELECT sqlite_version()').pluck();
  const removed = carriedRows(database).state;
  const oldest = database
    .prepare<[number], Instant>('SELECT at FROM ledger WHERE n > ? ORDER BY n LIMIT 1')
    .pluck();
  const size = (name: string) => statSync(name, { throwIfNoEntry: false })?.size ?? 0;
  return () => {
    const disk = statfsSync(dirname(path));
    const { throughN, entries, untilAt } = removed();
    return {
      engine: 'sqlite',
      version: version.get() ?? '',
      path,
      sizeBytes: size(path),
      walBytes: size(`${path}-wal`),
      diskFreeBytes: disk.bavail * disk.bsize,
      keys: projection.keys.count(),
      entries: projection.lastN + projection.staged.facts.length,
      removedEntries: entries,
      removedUntil: entries > 0 ? untilAt : null,
      oldestAt: oldest.get(throughN) ?? null,
      openReservations: projection.open.size,
    };
  };
}
