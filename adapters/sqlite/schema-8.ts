import { BALANCES_3 } from './balances-view-3.ts';

const WINDOWS = 'w.starts_at <= l.made_at)';
const BEGUN_AFTER = `w.starts_at <= l.made_at
      -- As roll has it: none begins that had begun when what is stored was last used, in another time zone.
      AND w.starts_at > coalesce(
        (SELECT m.starts_at FROM buckets m WHERE m.key_id = h.holder AND m.period = 'minute'), 0))`;

/** After a change of the time zone, the view goes on with the day and the month that the buckets go on with. */
export const SCHEMA_8 = `
DROP VIEW balances;
${BALANCES_3.replace(WINDOWS, BEGUN_AFTER)}
`;
