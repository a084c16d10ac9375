import type Database from 'better-sqlite3';
import { statusOf } from '#core/expire.ts';
import type { KeyQuery } from '#core/key-registry.ts';
import type { ApiKey, Digest, Instant, KeyId, PreviousSecret, Quota } from '#core/model.ts';
import type { Part } from './gather.ts';
import { BEYOND_ALL_IDS, isUuid, toBlob, toUuid } from './uuid-blob.ts';

interface KeyRow {
  readonly id: Buffer;
  readonly digest: Buffer;
  readonly hint: string;
  readonly label: string;
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly disabled: 0 | 1;
  readonly deleted_at: number | null;
  readonly quotas: string;
  readonly quotas_set_at: number;
  readonly models: string | null;
  readonly ips: string | null;
  readonly requests_per_minute: number | null;
  readonly max_concurrency: number | null;
  readonly metadata: string;
  readonly previous_digest: Buffer | null;
  readonly previous_hint: string | null;
  readonly previous_ends_at: number | null;
}

/** In the order of `valuesOf`. */
const COLUMNS = [
  ...['id', 'digest', 'hint', 'label', 'created_at', 'expires_at', 'disabled', 'deleted_at', 'quotas'],
  ...['quotas_set_at', 'models', 'ips', 'requests_per_minute', 'max_concurrency', 'metadata'],
  ...['previous_digest', 'previous_hint', 'previous_ends_at'],
] as const satisfies readonly (keyof KeyRow)[];

/** The sponsor's terms, without what was used of them. */
export interface SponsorTerms {
  readonly quotas: readonly Quota[];
  readonly quotasSetAt: Instant;
}

/** Keys, and the sponsor's terms, as rows. */
export interface KeyRows {
  /** @throws SqliteError if the id or the digest exists */
  insert(key: ApiKey): void;
  update(key: ApiKey): void;
  byId(id: KeyId): ApiKey | undefined;
  /** By its secret's digest, or by its old one's. */
  byDigest(digest: Digest): ApiKey | undefined;
  /** The newest keys that match, among so many as are read at once. */
  scan(query: KeyQuery): Part<ApiKey, KeyId>;
  count(): number;
  terms(): SponsorTerms;
  setTerms(terms: SponsorTerms): void;
}

export function keyRows(database: Database.Database): KeyRows {
  const places = COLUMNS.map(() => '?');
  const insert = database.prepare(`INSERT INTO keys (${COLUMNS}) VALUES (${places})`);
  const update = database.prepare(`UPDATE keys SET (${COLUMNS}) = (${places}) WHERE id = ?`);
  const byId = database.prepare<[Buffer], KeyRow>('SELECT * FROM keys WHERE id = ?');
  const byDigest = database.prepare<[Buffer], KeyRow>('SELECT * FROM keys WHERE digest = ?');
  const byOldDigest = database.prepare<[Buffer], KeyRow>('SELECT * FROM keys WHERE previous_digest = ?');
  // Ids are UUIDv7: the newest key has the greatest.
  const newest = database.prepare<[Buffer], KeyRow>('SELECT * FROM keys WHERE id < ? ORDER BY id DESC');
  const count = database.prepare<[], number>('SELECT count(*) FROM keys').pluck();
  const terms = database.prepare<[], { quotas: string; quotas_set_at: number }>('SELECT * FROM sponsor');
  const setTerms = database.prepare('UPDATE sponsor SET quotas = ?, quotas_set_at = ?');
  const keyOrNone = (row: KeyRow | undefined) => (row === undefined ? undefined : keyOf(row));

  return {
    insert: (key) => void insert.run(...valuesOf(key)),
    update: (key) => void update.run(...valuesOf(key), toBlob(key.id)),
    byId: (id) => (isUuid(id) ? keyOrNone(byId.get(toBlob(id))) : undefined),
    byDigest(digest) {
      const bytes = Buffer.from(digest, 'hex');
      return keyOrNone(byDigest.get(bytes) ?? byOldDigest.get(bytes));
    },
    scan: (query) => partOf(newest.iterate(query.after ? toBlob(query.after) : BEYOND_ALL_IDS), query),
    count: () => count.get() ?? 0,
    terms: () => {
      const row = terms.get();
      if (row === undefined) throw new Error('the sponsor row is gone');
      return { quotas: JSON.parse(row.quotas) as Quota[], quotasSetAt: row.quotas_set_at };
    },
    setTerms: ({ quotas, quotasSetAt }) => void setTerms.run(JSON.stringify(quotas), quotasSetAt),
  };
}

/** About 10 ms of reading: commands are served between one part of a search and the next. */
const SCAN_KEYS = 2000;

/** Filtered here and not in SQL, because its LIKE knows the case of ASCII letters only. */
function partOf(rows: Iterable<KeyRow>, { status, text, at, limit }: KeyQuery): Part<ApiKey, KeyId> {
  const sought = text?.toLowerCase();
  const items: ApiKey[] = [];
  let after: KeyId | null = null;
  let seen = 0;
  for (const row of rows) {
    const key = keyOf(row);
    seen += 1;
    if (seen > SCAN_KEYS) return { items, next: after };
    after = key.id;
    const found = statusOf(key, at);
    if (status === undefined ? found === 'deleted' : found !== status) continue;
    if (
      sought !== undefined &&
      ![key.label, key.id, key.hint].some((part) => part.toLowerCase().includes(sought))
    ) {
      continue;
    }
    items.push(key);
    if (items.length === limit) return { items, next: after };
  }
  return { items, next: null };
}

function keyOf(row: KeyRow): ApiKey {
  return {
    id: toUuid(row.id),
    digest: row.digest.toString('hex'),
    hint: row.hint,
    previous: previousOf(row),
    label: row.label,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    disabled: row.disabled === 1,
    deletedAt: row.deleted_at,
    quotas: JSON.parse(row.quotas) as Quota[],
    quotasSetAt: row.quotas_set_at,
    models: listOf(row.models),
    ips: listOf(row.ips),
    requestsPerMinute: row.requests_per_minute,
    maxConcurrency: row.max_concurrency,
    metadata: JSON.parse(row.metadata) as Record<string, string>,
  };
}

function valuesOf(key: ApiKey): unknown[] {
  return [
    toBlob(key.id),
    Buffer.from(key.digest, 'hex'),
    key.hint,
    key.label,
    key.createdAt,
    key.expiresAt,
    Number(key.disabled),
    key.deletedAt,
    JSON.stringify(key.quotas),
    key.quotasSetAt,
    key.models === null ? null : JSON.stringify(key.models),
    key.ips === null ? null : JSON.stringify(key.ips),
    key.requestsPerMinute,
    key.maxConcurrency,
    JSON.stringify(key.metadata),
    ...(key.previous === null ? [null, null, null] : previousValues(key.previous)),
  ];
}

function previousValues({ digest, hint, endsAt }: PreviousSecret): unknown[] {
  return [Buffer.from(digest, 'hex'), hint, endsAt];
}

function previousOf({ previous_digest, previous_hint, previous_ends_at }: KeyRow): PreviousSecret | null {
  if (previous_digest === null) return null;
  const digest = previous_digest.toString('hex');
  return { digest, hint: previous_hint ?? '', endsAt: previous_ends_at ?? 0 };
}

function listOf(text: string | null): string[] | null {
  return text === null ? null : (JSON.parse(text) as string[]);
}
