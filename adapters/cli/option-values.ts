import { InvalidArgumentError } from 'commander';
import type { Quota } from '#core/model.ts';
import { METERS, PERIODS } from '#core/model.ts';

/** A whole number that is not negative. What it may be beyond that, the server says. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

/** One more of an option that may be given several times. */
export function oneMore(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** One more quota: `200 requests/day`, `100000 tokens/total`. */
export function oneMoreQuota(text: string, before: readonly Quota[] = []): readonly Quota[] {
  const [, limit = '', given = '', per = ''] =
    /^\s*(\d{1,15})\s+([a-z]+)\s*\/\s*([a-z]+)\s*$/.exec(text) ?? [];
  const meter = METERS.find((name) => name === given);
  const period = PERIODS.find((name) => name === per);
  if (meter === undefined || period === undefined) {
    const meters = METERS.join(', ');
    throw new InvalidArgumentError(`Write '200 requests/day'. Of ${meters}; per ${PERIODS.join(', ')}.`);
  }
  return [...before, { meter, period, limit: Number(limit) }];
}

/** ISO 8601 with a zone, or a local time. */
export function instant(text: string): number {
  const at = Date.parse(text);
  if (!/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(text) || Number.isNaN(at)) {
    throw new InvalidArgumentError('Write it as 2026-11-25T08:30:00Z.');
  }
  return at;
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the members that are `undefined`: what was not given is not said. */
export function given<T extends object>(options: T): Given<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Given<T>;
}
