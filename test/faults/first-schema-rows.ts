/**
 * What a server of the first schema had recorded when it was stopped: a key, a request that was settled and two that are
 * open, an operation, and the projection of all that but the last entry. Never edited: these rows are on people's disks.
 */
export const FIRST_SCHEMA_ROWS = `
INSERT INTO keys VALUES (
  x'00000000000170008000000000000001', x'0000000000000000000000000000000000000000000000000000000000000001',
  'sk-1…wxyz', 'key 1', 1795521600000, NULL, 0, NULL, '[{"meter":"requests","period":"day","limit":500}]',
  1795521600000, NULL, NULL, 0, NULL, '{}'
);
INSERT INTO ledger VALUES
  (1, 'reserved', x'00000000000170008000000000000002', 0, x'00000000000170008000000000000001', 1795521600000, 1, 100, 100,
   '{"lapses_at":1795522200000,"model":"m","endpoint":"chat.completions","stream":false,"arrival_us":0,"prices":{"version":"v1","input":1000000,"cachedInput":1000000,"output":1000000,"request":0}}'),
  (2, 'settled', x'00000000000170008000000000000002', 1, x'00000000000170008000000000000001', 1795521600000, 1, 7, 7,
   '{"outcome":{"status":200,"upstream_ms":120,"duration_ms":340},"source":"upstream","usage":{"prompt":3,"completion":4,"cached":0,"reasoning":0}}'),
  (3, 'reserved', x'00000000000270008000000000000002', 0, x'00000000000170008000000000000001', 1795521600000, 1, 100, 100,
   '{"lapses_at":1795522200000,"model":"m","endpoint":"chat.completions","stream":false,"arrival_us":0,"prices":{"version":"v1","input":1000000,"cachedInput":1000000,"output":1000000,"request":0}}'),
  (4, 'reserved', x'00000000000370008000000000000002', 0, x'00000000000170008000000000000001', 1795521600005, 1, 100, 100,
   '{"lapses_at":1795522200005,"model":"m","endpoint":"chat.completions","stream":false,"arrival_us":0,"prices":null}');
INSERT INTO operations VALUES (
  1, 1795521600000, 'admin@203.0.113.7', 'keys.create', '00000000-0001-7000-8000-000000000001', '{"label":"测试","n":1}',
  '0000000000000000000000000000000000000000000000000000000000000000',
  'f6e018e73166fb2283b8a07eb3ef594dee234e50ebd8efda90375791ceb1afb9'
);
UPDATE projection SET replay_from = 4, time_zone = 'UTC';
INSERT INTO accounts VALUES
  (zeroblob(16), 3, 1795521600000, 0), (x'00000000000170008000000000000001', 3, 1795521600000, 0);
INSERT INTO buckets
SELECT holder.column1, bucket.column1, bucket.column2, 1, 1, 7, 100, 7, 100
FROM (VALUES (zeroblob(16)), (x'00000000000170008000000000000001')) AS holder,
  (VALUES ('minute', 1795521600000), ('hour', 1795521600000), ('day', 1795478400000), ('month', 1793491200000), ('total', 0))
  AS bucket;
INSERT INTO reservations VALUES (x'00000000000170008000000000000001', 3);
INSERT INTO usage_days VALUES
  ('2026-11-24', x'00000000000170008000000000000001', 'm', 2, 1, 0, 0, 3, 4, 0, 7, 1795521600000);
INSERT INTO windows VALUES ('day', 1795478400000), ('month', 1793491200000);
`;
