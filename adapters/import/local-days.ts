import { type Calendar, dayNamed } from '#core/window.ts';
import type { LocalDays } from './foreign-file.ts';

/** No system that could be imported is older: an earlier day is a mistake. */
const FIRST_DAY = '2015-01-01';
const NOON_MS = 12 * 60 * 60_000;

/**
 * Days of this server, up to `today`, for a file whose days are those of `there`. Where the two are in different
 * zones, a day there is the one here that its noon falls on.
 */
export function localDays(here: Calendar, there: Calendar, today: string): LocalDays {
  const plausible = (day: string) => (day >= FIRST_DAY && day <= today ? day : undefined);
  return {
    today,
    at: (instant) => plausible(here.dayOf(instant)),
    named(day) {
      const midnight = /^\d{4}-\d\d-\d\d$/.test(day) ? Date.parse(day) : Number.NaN;
      if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== day) return undefined;
      if (here.timeZone === there.timeZone) return plausible(day);
      const window = dayNamed(day, there);
      return window && plausible(here.dayOf(window.startsAt + NOON_MS));
    },
  };
}
