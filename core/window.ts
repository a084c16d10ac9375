import type { Instant, Period } from './model.ts';

/** The span of a period around an instant: `startsAt` included, `endsAt` not. `null`: it never ends. */
export interface Window {
  readonly startsAt: Instant;
  readonly endsAt: Instant | null;
}

/** When windows begin and end in one time zone. Minutes and hours are those of UTC, in any zone. */
export interface Calendar {
  readonly timeZone: string;
  windowOf(period: Period, at: Instant): Window;
  /** The local date, `YYYY-MM-DD`. */
  dayOf(at: Instant): string;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const EVER: Window = { startsAt: 0, endsAt: null };

/** Eleven years, a quarter of a megabyte. */
const DAYS_REMEMBERED = 4096;

/**
 * A calendar of an IANA time zone. It remembers the day and the month that it was asked for last,
 * because finding a local midnight takes a search and nearly all questions are about today;
 * and some other days, because a history that is brought in asks for the same ones for each key.
 * @throws RangeError if there is no such zone
 */
export function calendarOf(timeZone: string): Calendar {
  const local = localDates(timeZone);
  let day = { window: { startsAt: 0, endsAt: 0 }, name: '' };
  let month = { startsAt: 0, endsAt: 0 };
  /** By the day of UTC that was asked about: parts of two or three local days lie in it. */
  const known = new Map<number, (typeof day)[]>();

  function dayAround(at: Instant) {
    if (at < day.window.startsAt || at >= day.window.endsAt) day = recalled(at) ?? searched(at);
    return day;
  }

  function recalled(at: Instant) {
    const near = known.get(Math.floor(at / DAY_MS));
    return near?.find(({ window }) => at >= window.startsAt && at < window.endsAt);
  }

  function searched(at: Instant) {
    const date = local.dateOf(at);
    const window = { startsAt: local.begin(date), endsAt: local.begin(date + DAY_MS) };
    const found = { window, name: new Date(date).toISOString().slice(0, 10) };
    if (known.size >= DAYS_REMEMBERED) known.clear();
    const utcDay = Math.floor(at / DAY_MS);
    known.set(utcDay, [...(known.get(utcDay) ?? []), found]);
    return found;
  }

  function monthAround(at: Instant): Window {
    if (at < month.startsAt || at >= month.endsAt) {
      const date = new Date(local.dateOf(at));
      const first = (offset: number) => Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + offset, 1);
      month = { startsAt: local.begin(first(0)), endsAt: local.begin(first(1)) };
    }
    return month;
  }

  return {
    timeZone,
    windowOf(period, at) {
      switch (period) {
        case 'minute':
          return spanOf(MINUTE_MS, at);
        case 'hour':
          return spanOf(HOUR_MS, at);
        case 'day':
          return dayAround(at).window;
        case 'month':
          return monthAround(at);
        case 'total':
          return EVER;
      }
    },
    dayOf: (at) => dayAround(at).name,
  };
}

/**
 * The window of a local day by its name, `YYYY-MM-DD`; `undefined` if the zone has had no such day. Noon in London is on
 * the same day from UTC-12 to UTC+11, midnight there from UTC+0 to UTC+14.
 */
export function dayNamed(name: string, calendar: Calendar): Window | undefined {
  const midnight = Date.parse(name);
  const inside = [midnight + DAY_MS / 2, midnight].find((at) => calendar.dayOf(at) === name);
  return inside === undefined ? undefined : calendar.windowOf('day', inside);
}

function spanOf(lengthMs: number, at: Instant): Window {
  const startsAt = at - (at % lengthMs);
  return { startsAt, endsAt: startsAt + lengthMs };
}

/** Local dates as the UTC midnights of the same name, so that they can be counted with. */
function localDates(timeZone: string) {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
  });

  function dateOf(at: Instant): Instant {
    const part = { year: 0, month: 0, day: 0 };
    for (const { type, value } of format.formatToParts(at)) {
      if (type === 'year' || type === 'month' || type === 'day') part[type] = Number(value);
    }
    return Date.UTC(part.year, part.month - 1, part.day);
  }

  /**
   * The first instant that carries `date`. Searched for and not computed from an offset,
   * because in some zones clocks are changed at midnight and the day begins at one o'clock.
   */
  function begin(date: Instant): Instant {
    // Zones lie between UTC-12 and UTC+14; offsets are whole minutes since 1972.
    let before = date / MINUTE_MS - 15 * 60;
    let from = date / MINUTE_MS + 13 * 60;
    while (from - before > 1) {
      const middle = Math.floor((before + from) / 2);
      if (dateOf(middle * MINUTE_MS) >= date) from = middle;
      else before = middle;
    }
    return from * MINUTE_MS;
  }

  return { dateOf, begin };
}
