import type Database from 'better-sqlite3';
import type { Instant } from '#core/model.ts';
import type { Calendar } from '#core/window.ts';

/** The days and months in which reservations were made, for the view `balances`. */
export interface WindowRows {
  /** Records the day and the month around `madeAt`. */
  enter(madeAt: Instant): void;
  /** When the latest days began, at most `count`, up to `at`; newest first. */
  latestDays(at: Instant, count: number): readonly Instant[];
  /** After a rollback: what was recorded last may not be. */
  forget(): void;
}

export function windowRows(database: Database.Database, calendar: Calendar): WindowRows {
  const insert = database.prepare('INSERT OR IGNORE INTO windows VALUES (?, ?)');
  const latest = database
    .prepare<[Instant, number], Instant>(
      "SELECT starts_at FROM windows WHERE period = 'day' AND starts_at <= ? ORDER BY starts_at DESC LIMIT ?",
    )
    .pluck();
  const entered = { day: -1, month: -1 };
  return {
    enter(madeAt) {
      for (const period of ['day', 'month'] as const) {
        const { startsAt } = calendar.windowOf(period, madeAt);
        if (entered[period] === startsAt) continue;
        insert.run(period, startsAt);
        entered[period] = startsAt;
      }
    },
    latestDays: (at, count) => latest.all(at, count),
    forget() {
      entered.day = -1;
      entered.month = -1;
    },
  };
}
