/**
 * The view of the first schema, which `balances-view-3.ts` replaces; never edited, as no step of a migration is.
 * Used and held as of the last entry, for people with the sqlite3 command: the stored buckets, and what the ledger
 * added after each account's mark. The same figures as `apply` gives.
 */
export const BALANCES = `
CREATE VIEW balances AS
WITH
holders (holder, label) AS (
  SELECT id, label FROM keys UNION ALL SELECT zeroblob(16), 'sponsor'
),
periods (period, ms) AS (
  VALUES ('minute', 60000), ('hour', 3600000), ('day', NULL), ('month', NULL), ('total', NULL)
),
recent AS MATERIALIZED (
  SELECT e.n, e.kind, e.key_id, e.requests, e.tokens, e.cost_micros, r.at AS made_at,
         r.requests AS requests_held, r.tokens AS tokens_held, r.cost_micros AS cost_held_micros
  FROM ledger e LEFT JOIN ledger r ON r.request_id = e.request_id AND r.ending = 0
  WHERE e.n >= (SELECT replay_from FROM projection)
),
-- Each entry counts for its key and, unless it is a reset, for the sponsor.
counted AS (
  SELECT key_id AS holder, * FROM recent
  UNION ALL SELECT zeroblob(16), * FROM recent WHERE kind <> 'reset'
),
tail AS MATERIALIZED (
  SELECT c.* FROM counted c LEFT JOIN accounts a ON a.key_id = c.holder
  WHERE c.n > coalesce(a.through_n, 0)
),
latest (holder, made_at, reset_n) AS (
  SELECT holder, max(CASE kind WHEN 'reserved' THEN made_at END), max(CASE kind WHEN 'reset' THEN n END)
  FROM tail GROUP BY holder
),
-- The window that each bucket is in: the stored one, or the one that the tail began.
current (holder, label, period, reset_n, starts_at) AS (
  SELECT h.holder, h.label, p.period, coalesce(l.reset_n, 0), max(coalesce(b.starts_at, 0), coalesce(
    l.made_at - l.made_at % p.ms,
    (SELECT max(w.starts_at) FROM windows w WHERE w.period = p.period AND w.starts_at <= l.made_at),
    0))
  FROM holders h CROSS JOIN periods p
  LEFT JOIN buckets b ON b.key_id = h.holder AND b.period = p.period
  LEFT JOIN latest l ON l.holder = h.holder
),
added AS (
  SELECT c.holder, c.period,
    sum(t.requests * (t.kind IN ('settled', 'lapsed') AND t.n > c.reset_n)) AS requests_used,
    sum(t.tokens * (t.kind IN ('settled', 'lapsed') AND t.n > c.reset_n)) AS tokens_used,
    sum(t.cost_micros * (t.kind IN ('settled', 'lapsed') AND t.n > c.reset_n)) AS cost_used_micros,
    sum(t.requests_held * iif(t.kind = 'reserved', 1, -1)) AS requests_held,
    sum(t.tokens_held * iif(t.kind = 'reserved', 1, -1)) AS tokens_held,
    sum(t.cost_held_micros * iif(t.kind = 'reserved', 1, -1)) AS cost_held_micros
  FROM current c JOIN tail t ON t.holder = c.holder AND t.made_at >= c.starts_at
  GROUP BY c.holder, c.period
)
SELECT
  lower(hex(substr(c.holder, 1, 4)) || '-' || hex(substr(c.holder, 5, 2)) || '-' || hex(substr(c.holder, 7, 2))
    || '-' || hex(substr(c.holder, 9, 2)) || '-' || hex(substr(c.holder, 11, 6))) AS key_id,
  c.label, c.period, c.starts_at,
  coalesce(b.requests_used, 0) * (c.reset_n = 0) + coalesce(a.requests_used, 0) AS requests_used,
  coalesce(b.requests_held, 0) + coalesce(a.requests_held, 0) AS requests_held,
  coalesce(b.tokens_used, 0) * (c.reset_n = 0) + coalesce(a.tokens_used, 0) AS tokens_used,
  coalesce(b.tokens_held, 0) + coalesce(a.tokens_held, 0) AS tokens_held,
  coalesce(b.cost_used_micros, 0) * (c.reset_n = 0) + coalesce(a.cost_used_micros, 0) AS cost_used_micros,
  coalesce(b.cost_held_micros, 0) + coalesce(a.cost_held_micros, 0) AS cost_held_micros
FROM current c
LEFT JOIN buckets b ON b.key_id = c.holder AND b.period = c.period AND b.starts_at = c.starts_at
LEFT JOIN added a ON a.holder = c.holder AND a.period = c.period;
`;
