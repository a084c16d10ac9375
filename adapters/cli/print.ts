import type { Row } from './table.ts';
import { table } from './table.ts';

/** Prints an answer: as JSON for a script, as `rows` for a person. */
export function print(json: boolean | undefined, answer: unknown, rows: () => readonly Row[]): void {
  printText(json, answer, () => {
    const shown = rows();
    return shown.length === 0 ? 'Nothing.\n' : table(shown);
  });
}

/** Prints an answer: as JSON for a script, as a text of its own for a person. */
export function printText(json: boolean | undefined, answer: unknown, text: () => string): void {
  process.stdout.write(json ? `${JSON.stringify(answer, null, 2)}\n` : text());
}

/** Prints a page of a list, and for a person where the list goes on. */
export function printPage<T>(
  json: boolean | undefined,
  page: { readonly items: readonly T[]; readonly next_cursor: string | null },
  rowOf: (item: T) => Row,
): void {
  print(json, page, () => page.items.map(rowOf));
  if (!json && page.next_cursor !== null) {
    process.stderr.write(`There are more: go on with --cursor ${page.next_cursor}\n`);
  }
}

/** A time as a person reads it, in UTC; `never` for `null`. */
export function timeText(at: number | null): string {
  return at === null ? 'never' : `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')}Z`;
}

/** Bytes as a person reads them: `41.2 MB`. */
export function sizeText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let [size, unit] = [bytes, 0];
  while (size >= 1000 && unit < units.length - 1) [size, unit] = [size / 1000, unit + 1];
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
}

/** A span as a person reads it, in its largest unit and no more: `12 s`, `3 min`, `5 h`, `9 d`. */
export function spanText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 2 * 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}
