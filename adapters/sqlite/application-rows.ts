import type Database from 'better-sqlite3';
import type {
  Application,
  ApplicationId,
  ApplicationQuery,
  ForgetOrder,
  KeyTerms,
  Verdict,
} from '#core/applications.ts';
import { applicationStatusOf, endedBefore, pendingSince } from '#core/applications.ts';
import type { Digest, Instant } from '#core/model.ts';
import type { Page } from '#core/ports.ts';
import { BEYOND_ALL_IDS, isUuid, toBlob, toUuid } from './uuid-blob.ts';

interface ApplicationRow {
  readonly id: Buffer;
  readonly digest: Buffer;
  readonly name: string;
  readonly contact: string | null;
  readonly reason: string | null;
  readonly made_at: number;
  readonly verdict: Verdict['kind'] | null;
  readonly decided_at: number | null;
  readonly decided_by: string | null;
  readonly terms: string | null;
  readonly answer: string | null;
  readonly claimed_at: number | null;
  readonly key_id: Buffer | null;
}

/** Applications as rows. */
export interface ApplicationRows {
  insert(application: Application): void;
  /** Records verdict and claim; the rest of an application never changes. */
  update(application: Application): void;
  byId(id: ApplicationId): Application | undefined;
  byDigest(digest: Digest): Application | undefined;
  list(query: ApplicationQuery): Page<Application>;
  pending(at: Instant): number;
  /** Where to go on; `null`: all were looked at that may be old enough. */
  forget(order: ForgetOrder): ApplicationId | null;
}

export function applicationRows(database: Database.Database): ApplicationRows {
  const insert = database.prepare('INSERT INTO applications VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const update = database.prepare(
    `UPDATE applications SET (verdict, decided_at, decided_by, terms, answer, claimed_at, key_id) =
       (?, ?, ?, ?, ?, ?, ?) WHERE id = ?`,
  );
  const byId = database.prepare<[Buffer], ApplicationRow>('SELECT * FROM applications WHERE id = ?');
  const byDigest = database.prepare<[Buffer], ApplicationRow>('SELECT * FROM applications WHERE digest = ?');
  // Ids are UUIDv7: the newest has the greatest.
  const newest = database.prepare<[Buffer], ApplicationRow>(
    'SELECT * FROM applications WHERE id < ? ORDER BY id DESC',
  );
  const pending = database
    .prepare<[number], number>('SELECT count(*) FROM applications WHERE verdict IS NULL AND made_at > ?')
    .pluck();
  const oldest = database.prepare<[Buffer, number], ApplicationRow>(
    'SELECT * FROM applications WHERE id > ? ORDER BY id LIMIT ?',
  );
  const remove = database.prepare('DELETE FROM applications WHERE id = ?');
  const oneOrNone = (row: ApplicationRow | undefined) => (row === undefined ? undefined : applicationOf(row));

  return {
    insert(application) {
      const { id, digest, name, contact, reason, madeAt } = application;
      const own = [toBlob(id), Buffer.from(digest, 'hex'), name, contact, reason, madeAt];
      insert.run(...own, ...outcomeOf(application));
    },
    update: (application) => void update.run(...outcomeOf(application), toBlob(application.id)),
    byId: (id) => (isUuid(id) ? oneOrNone(byId.get(toBlob(id))) : undefined),
    byDigest: (digest) => oneOrNone(byDigest.get(Buffer.from(digest, 'hex'))),
    list: (query) => pageOf(newest.iterate(query.after ? toBlob(query.after) : BEYOND_ALL_IDS), query),
    pending: (at) => pending.get(pendingSince(at)) ?? 0,
    forget({ before, after, lookMax }) {
      const found = oldest.all(after === null ? BEFORE_ALL_IDS : toBlob(after), lookMax).map(applicationOf);
      // None ended before it was made, and those that follow were made later.
      const young = found.findIndex(({ madeAt }) => madeAt >= before);
      const old = young < 0 ? found : found.slice(0, young);
      for (const each of old) if (endedBefore(each, before)) remove.run(toBlob(each.id));
      return old.length < lookMax ? null : (old.at(-1)?.id ?? null);
    },
  };
}

/** SQLite compares bytes, and then lengths. */
const BEFORE_ALL_IDS = Buffer.alloc(0);

/** A status depends on the instant, and core alone says how. */
function pageOf(rows: Iterable<ApplicationRow>, { status, at, limit }: ApplicationQuery): Page<Application> {
  const items: Application[] = [];
  for (const row of rows) {
    const application = applicationOf(row);
    if (status !== undefined && applicationStatusOf(application, at) !== status) continue;
    if (items.length === limit) return { items, more: true };
    items.push(application);
  }
  return { items, more: false };
}

function applicationOf(row: ApplicationRow): Application {
  return {
    id: toUuid(row.id),
    digest: row.digest.toString('hex'),
    name: row.name,
    contact: row.contact,
    reason: row.reason,
    madeAt: row.made_at,
    verdict: verdictOf(row),
    claim:
      row.claimed_at === null || row.key_id === null
        ? null
        : { at: row.claimed_at, keyId: toUuid(row.key_id) },
  };
}

function verdictOf({
  verdict,
  decided_at: at,
  decided_by: by,
  terms,
  answer,
}: ApplicationRow): Verdict | null {
  if (verdict === null || at === null || by === null) return null;
  if (verdict === 'rejected') return { kind: 'rejected', at, by, reason: answer };
  return { kind: 'approved', at, by, terms: JSON.parse(terms ?? '') as KeyTerms };
}

function outcomeOf({ verdict, claim }: Application): unknown[] {
  return [
    verdict?.kind ?? null,
    verdict?.at ?? null,
    verdict?.by ?? null,
    verdict?.kind === 'approved' ? JSON.stringify(verdict.terms) : null,
    verdict?.kind === 'rejected' ? verdict.reason : null,
    claim?.at ?? null,
    claim === null ? null : toBlob(claim.keyId),
  ];
}
