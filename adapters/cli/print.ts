import type { Row } from './table.ts';
import { table } from './table.ts';

/** Prints an answer: as JSON for a script, as `rows` for a person. */
export function print(json: boolean | undefined, answer: unknown, rows: () => readonly Row[]): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
    return;
  }
  const shown = rows();
  process.stdout.write(shown.length === 0 ? 'Nothing.\n' : table(shown));
}

/** A time as a person reads it, in UTC; `never` for `null`. */
export function timeText(at: number | null): string {
  return at === null ? 'never' : `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')}Z`;
}
