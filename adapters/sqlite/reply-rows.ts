import type Database from 'better-sqlite3';
import { KEPT_MS, type KeptReply } from '#core/kept-reply.ts';
import type { Digest, Instant } from '#core/model.ts';

interface ReplyRow {
  readonly n: number;
  readonly digest: Buffer;
  readonly request: Buffer;
  readonly at: number;
  readonly sealed: Buffer;
  readonly through_bytes: number;
}

interface OldRow {
  readonly n: number;
  readonly at: number;
  readonly before_bytes: number;
}

/** How much is kept, whatever is asked for in a day. */
export interface ReplyBounds {
  readonly rows: number;
  readonly bytes: number;
}

/** A script that makes a key every nine seconds all day; or a hundred imports of 500 keys. */
const BOUNDS: ReplyBounds = { rows: 10_000, bytes: 16 * 1024 * 1024 };

/** So many are forgotten at once, which takes less than a millisecond. */
const FORGET_ROWS = 20;

/** Kept answers as rows. */
export interface ReplyRows {
  find(digest: Digest, at: Instant): KeptReply | undefined;
  /** Keeps one, in the place of an older one under the same digest, and forgets the oldest beyond what is kept. */
  keep(reply: KeptReply): void;
  forget(at: Instant): void;
}

export function replyRows(database: Database.Database, bounds = BOUNDS): ReplyRows {
  const find = database.prepare<[Buffer], ReplyRow>('SELECT * FROM kept_replies WHERE digest = ?');
  const last = database.prepare<[], ReplyRow>('SELECT * FROM kept_replies ORDER BY n DESC LIMIT 1');
  const oldest = database.prepare<[number], OldRow>(
    'SELECT n, at, through_bytes - length(sealed) AS before_bytes FROM kept_replies ORDER BY n LIMIT ?',
  );
  const remove = database.prepare('DELETE FROM kept_replies WHERE n = ?');
  const insert = database.prepare('INSERT INTO kept_replies VALUES (?, ?, ?, ?, ?, ?)');

  function forget(at: Instant): void {
    const end = last.get();
    if (end === undefined) return;
    for (const row of oldest.all(FORGET_ROWS)) {
      const isTooOld = row.at + KEPT_MS <= at;
      // From this one to the last, which is always kept.
      const [rows, bytes] = [end.n - row.n + 1, end.through_bytes - row.before_bytes];
      const isTooMuch = row.n < end.n && (rows > bounds.rows || bytes > bounds.bytes);
      if (isTooOld || isTooMuch) remove.run(row.n);
    }
  }

  return {
    find(digest, at) {
      const row = find.get(Buffer.from(digest, 'hex'));
      return row === undefined || row.at + KEPT_MS <= at ? undefined : replyOf(row);
    },
    keep({ digest, request, at, sealed }) {
      const key = Buffer.from(digest, 'hex');
      const bytes = Buffer.from(sealed, 'base64');
      const there = find.get(key);
      const end = last.get();
      if (there !== undefined) remove.run(there.n);
      const through = (end?.through_bytes ?? 0) + bytes.length;
      insert.run((end?.n ?? 0) + 1, key, Buffer.from(request, 'hex'), at, bytes, through);
      forget(at);
    },
    forget,
  };
}

function replyOf({ digest, request, at, sealed }: ReplyRow): KeptReply {
  return {
    digest: digest.toString('hex'),
    request: request.toString('hex'),
    at,
    sealed: sealed.toString('base64'),
  };
}
