import type { ImportReport, ReportedKey, ReportedProblem } from './import-report.ts';
import { timeText } from './print.ts';
import type { Row } from './table.ts';
import { printable, table } from './table.ts';

const PLACES_SHOWN = 3;

/** A report for a person. */
export function importText(report: ImportReport): string {
  const { file, format, dry_run, time_zone, keys, first_keys, problems, warnings } = report;
  const count = keys.imported + keys.importable + keys.exists + keys.refused;
  const shown = first_keys.length < count ? [`The first ${first_keys.length} of ${count} keys.`] : [];
  const lines = [
    `${file}: ${format}. Days are those of ${time_zone}.`,
    ...(first_keys.length === 0 ? [] : [table(first_keys.map(rowOf)).trimEnd(), ...shown]),
    `Keys: ${keyText(report)}.`,
    `Usage that ${dry_run ? 'would come' : 'came'} along: ${usageText(report)}.`,
    ...[...problems.map(problemText), ...warnings].map(printable),
    ...(dry_run ? ['Nothing was changed.'] : []),
  ];
  return `${lines.join('\n')}\n`;
}

const OUTCOMES = {
  imported: 'imported',
  importable: 'would be imported',
  exists: 'is here already',
  refused: 'refused',
};

function rowOf(key: ReportedKey): Row {
  const quotas = key.quotas?.map(({ meter, period, limit }) => {
    return `${limit} ${meter === 'cost' ? 'micros' : meter} ${period === 'total' ? 'in total' : `per ${period}`}`;
  });
  return {
    key: key.key,
    label: key.label,
    outcome: OUTCOMES[key.status],
    status: key.disabled ? 'disabled' : 'enabled',
    expires: timeText(key.expires_at),
    quotas: quotas === undefined ? 'that of a new key' : quotas.join(', ') || 'none',
    days: key.days,
    requests: key.requests,
  };
}

function keyText({ dry_run, keys }: ImportReport): string {
  const parts = [
    dry_run ? `${keys.importable} would be imported` : `${keys.imported} imported`,
    `${keys.exists} here already`,
    `${keys.refused} refused`,
    `${keys.left_out} left out`,
  ];
  return parts.join(', ');
}

function usageText({ usage }: ImportReport): string {
  if (usage.first_day === null) return 'none';
  const parts = [
    `${usage.requests} requests`,
    `${usage.prompt_tokens + usage.completion_tokens} tokens`,
    `${usage.cost_micros} micros`,
  ];
  return `${parts.join(', ')}, from ${usage.first_day} to ${usage.last_day}`;
}

const ABOUT = {
  refused: 'Refused, a key',
  key: 'Left out, a key',
  usage: 'Left out, usage',
  terms: 'Otherwise than there',
};

/** `Left out, usage: 3 rows, is of a day that cannot be (trial_keys, row 1; …)`. */
function problemText({ about, what, rows, where }: ReportedProblem): string {
  const places = where.slice(0, PLACES_SHOWN).join('; ');
  const more = rows > Math.min(where.length, PLACES_SHOWN) ? '; …' : '';
  return `${ABOUT[about]}: ${rows} × ${what} (${places}${more})`;
}
