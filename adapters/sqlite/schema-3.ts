import { BALANCES_3 } from './balances-view-3.ts';

/**
 * What was used in another system is in the ledger, too: entries of the kind 'imported', which are about no request.
 * A CHECK can only be changed with its table, and the ledger may have a hundred million rows. None of them breaks the
 * new one, so its text alone is changed (https://sqlite.org/lang_altertable.html#otheralter, the shorter procedure).
 */
export const SCHEMA_3 = `
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
SET sql = replace(replace(sql,
  '(request_id IS NULL) = (kind = ''reset'')',
  '(request_id IS NULL) = (kind = ''reset'' OR kind = ''imported'')'),
  'WHEN ''reset'' THEN ending IS NULL',
  'WHEN ''reset'' THEN ending IS NULL
    WHEN ''imported'' THEN ending IS NULL')
WHERE type = 'table' AND name = 'ledger';
PRAGMA writable_schema = RESET;
DROP VIEW balances;
${BALANCES_3}
`;
