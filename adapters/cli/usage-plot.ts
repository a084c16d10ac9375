/** What can be drawn. */
export const PLOTTED = ['requests', 'tokens', 'cost'] as const;
export type Plotted = (typeof PLOTTED)[number];

/** What is drawn: a value for each day, oldest first. */
export interface DayValue {
  readonly day: string;
  readonly value: number;
}

export interface Plot {
  readonly title: string;
  readonly days: readonly DayValue[];
  /** As a value is written. */
  readonly textOf: (value: number) => string;
  readonly columns: number;
  readonly charset: 'utf-8' | 'ascii';
}

const DAY_WIDTH = 'YYYY-MM-DD'.length;
const GAP = '  ';
const BAR_WIDTH_MIN = 10;
/** From an eighth of a column to seven. */
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** Bars, a line for each day, under a scale; below them the sum, and the day with the most. */
export function plot({ title, days, textOf, columns, charset }: Plot): string {
  const most = days.reduce((best, each) => (each.value > best.value ? each : best), { day: '', value: 0 });
  const sum = days.reduce((total, { value }) => total + value, 0);
  const scale = scaleOf(most.value);
  const numberWidth = days.reduce(
    (widest, { value }) => Math.max(widest, textOf(value).length),
    textOf(scale).length,
  );
  const width = Math.max(columns - DAY_WIDTH - 2 * GAP.length - numberWidth, BAR_WIDTH_MIN);
  const lines = days.map(({ day, value }) => {
    const bar = barOf((value / scale) * width, charset);
    return `${day}${GAP}${bar.padEnd(width)}${GAP}${textOf(value).padStart(numberWidth)}`;
  });
  const end = textOf(scale);
  const axis = `${' '.repeat(DAY_WIDTH)}${GAP}0${end.padStart(width - 1)}`;
  const peak = most.value === 0 ? '' : `, ${textOf(most.value)} at most (${most.day})`;
  const total = `${days.length} days: ${textOf(sum)} in total${peak}`;
  return [title, axis, ...lines, total].map((line) => `${line}\n`).join('');
}

/** A bar of so many columns; whatever is more than nothing can be seen. */
function barOf(length: number, charset: Plot['charset']): string {
  if (length <= 0) return '';
  if (charset === 'ascii') return '#'.repeat(Math.max(1, Math.round(length)));
  const eighths = Math.max(1, Math.round(length * 8));
  return '█'.repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8];
}

/** The least round number that nothing is above: one, two or five with noughts. */
function scaleOf(most: number): number {
  if (most <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((factor) => factor * power).find((round) => round >= most) ?? most;
}

/** All days from the first to the last, with nothing where there is no value. */
export function everyDay(
  first: string,
  last: string,
  values: ReadonlyMap<string, number>,
): readonly DayValue[] {
  const days: DayValue[] = [];
  for (let at = Date.parse(first); at <= Date.parse(last); at += DAY_MS) {
    const day = new Date(at).toISOString().slice(0, DAY_WIDTH);
    days.push({ day, value: values.get(day) ?? 0 });
  }
  return days;
}

const DAY_MS = 86_400_000;

/** The day so many days before another. */
export function dayBefore(day: string, days: number): string {
  return new Date(Date.parse(day) - days * DAY_MS).toISOString().slice(0, DAY_WIDTH);
}
