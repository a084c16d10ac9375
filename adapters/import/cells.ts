import type { Instant } from '#core/model.ts';

// What the admin API takes for milliseconds: from September 2001 to the end of 9999.
const INSTANT_MIN = 1_000_000_000_000;
const INSTANT_MAX = 253_402_300_799_999;
const LABEL_LENGTH_MAX = 200;

/** Far beyond what anybody used: what is above it is a mistake, and would spoil every sum. */
const COUNT_MAX = 1e12;

/** A whole number, however it was stored; `undefined` for anything else. */
export function integerIn(cell: unknown): number | undefined {
  const isText = typeof cell === 'string' && /^-?\d{1,16}$/.test(cell.trim());
  const number = typeof cell === 'bigint' || isText ? Number(cell) : cell;
  return Number.isSafeInteger(number) ? (number as number) : undefined;
}

/** A count: 0 where nothing is said; `undefined` for what cannot be one. */
export function countIn(cell: unknown): number | undefined {
  const count = cell === null || cell === undefined ? 0 : integerIn(cell);
  return count !== undefined && count >= 0 && count <= COUNT_MAX ? count : undefined;
}

/** Milliseconds since 1970; `undefined` for what is no time of this century. */
export function millisecondsIn(cell: unknown): Instant | undefined {
  const at = integerIn(cell);
  return at !== undefined && at >= INSTANT_MIN && at <= INSTANT_MAX ? at : undefined;
}

/** Seconds since 1970, as milliseconds. */
export function secondsIn(cell: unknown): Instant | undefined {
  const seconds = integerIn(cell);
  return seconds === undefined ? undefined : millisecondsIn(seconds * 1000);
}

/** An SQL datetime, which is in UTC (https://sqlite.org/lang_datefunc.html), or ISO 8601. */
export function datetimeIn(cell: unknown): Instant | undefined {
  if (typeof cell !== 'string') return millisecondsIn(cell);
  const text = cell.trim().replace(' ', 'T');
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text);
  return millisecondsIn(Date.parse(isDay || /(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`));
}

/** Text that a label may have: on one line, and not endless. */
export function labelIn(cell: unknown): string {
  const text = typeof cell === 'string' ? cell.toWellFormed() : '';
  const line = text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return [...line].slice(0, LABEL_LENGTH_MAX).join('').trim();
}

/** A list as text, by commas or on lines. */
export function listIn(cell: unknown): readonly string[] {
  return typeof cell === 'string' ? [...new Set(cell.split(/[\s,]+/).filter((part) => part !== ''))] : [];
}
