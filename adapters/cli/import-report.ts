import type { Problem } from '#adapters/container/compose-import.ts';
import type { ForeignKeyBody, ImportOutcome } from '#handlers/admin/contract/keys-import.ts';

/** What became of a file, for a person or a script. */
export interface ImportReport {
  readonly file: string;
  readonly format: string;
  readonly dry_run: boolean;
  readonly time_zone: string;
  /** `importable` in a dry run, `imported` otherwise. `left_out` are rows that are no key that could come. */
  readonly keys: Record<ImportOutcome['status'] | 'left_out', number>;
  /** What came along with the keys that are new. */
  readonly usage: Usage;
  /** The first of the keys; more help nobody. */
  readonly first_keys: readonly ReportedKey[];
  readonly problems: readonly ReportedProblem[];
  readonly warnings: readonly string[];
}

interface Usage {
  days: number;
  first_day: string | null;
  last_day: string | null;
  requests: number;
  prompt_tokens: number;
  completion_tokens: number;
  cost_micros: number;
}

export interface ReportedKey extends ImportOutcome {
  readonly label: string;
  readonly disabled: boolean;
  readonly expires_at: number | null;
  readonly quotas: ForeignKeyBody['quotas'] | null;
  readonly days: number;
  readonly requests: number;
}

export interface ReportedProblem {
  readonly about: ToldProblem['about'];
  readonly what: string;
  rows: number;
  /** Where, the first of many. */
  readonly where: string[];
}

/** Of the file, or what the server says of a key. */
type ToldProblem = Omit<Problem, 'about'> & { readonly about: Problem['about'] | 'refused' };

const KEYS_SHOWN = 20;
const PLACES_SHOWN = 20;
/** Kinds of problems. Their words are few, and what they quote may be many. */
const KINDS_SHOWN = 200;

/** Adds up what becomes of keys, in memory that does not grow with them. */
export interface Tally {
  key(body: ForeignKeyBody, outcome: ImportOutcome): void;
  problem(problem: Problem): void;
  report(known: Pick<ImportReport, 'file' | 'format' | 'dry_run' | 'time_zone' | 'warnings'>): ImportReport;
}

export function importTally(): Tally {
  const keys = { imported: 0, importable: 0, exists: 0, refused: 0, left_out: 0 };
  const sums = { days: 0, requests: 0, prompt_tokens: 0, completion_tokens: 0, cost_micros: 0 };
  const usage: Usage = { ...sums, first_day: null, last_day: null };
  const first: ReportedKey[] = [];
  const problems = new Map<string, ReportedProblem>();

  function problem({ about, what, where, rows }: ToldProblem): void {
    if (about === 'key') keys.left_out += rows;
    const isTooMany = problems.size >= KINDS_SHOWN && !problems.has(`${about} ${what}`);
    const told = isTooMany ? 'has another problem' : what;
    const known = problems.get(`${about} ${told}`) ?? { about, what: told, rows: 0, where: [] };
    known.rows += rows;
    if (known.where.length < PLACES_SHOWN) known.where.push(where);
    problems.set(`${about} ${told}`, known);
  }

  return {
    problem,
    key(body, outcome) {
      keys[outcome.status] += 1;
      if (first.length < KEYS_SHOWN) first.push(reported(body, outcome));
      if (outcome.status === 'refused')
        problem({ about: 'refused', what: outcome.reason ?? 'is refused', where: outcome.key, rows: 1 });
      if (outcome.status === 'imported' || outcome.status === 'importable') add(usage, body);
    },
    report: (known) => ({ ...known, keys, usage, first_keys: first, problems: [...problems.values()] }),
  };
}

function reported(body: ForeignKeyBody, outcome: ImportOutcome): ReportedKey {
  const { label, disabled = false, expires_at = null, quotas = null, usage = [] } = body;
  const requests = usage.reduce((sum, day) => sum + day.requests, 0);
  return { ...outcome, label, disabled, expires_at, quotas, days: usage.length, requests };
}

function add(sum: Usage, { usage = [] }: ForeignKeyBody): void {
  for (const { day, requests, prompt_tokens = 0, completion_tokens = 0, cost_micros = 0 } of usage) {
    sum.days += 1;
    sum.requests += requests;
    sum.prompt_tokens += prompt_tokens;
    sum.completion_tokens += completion_tokens;
    sum.cost_micros += cost_micros;
    if (sum.first_day === null || day < sum.first_day) sum.first_day = day;
    if (sum.last_day === null || day > sum.last_day) sum.last_day = day;
  }
}
