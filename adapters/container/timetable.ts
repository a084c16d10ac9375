import { Cron } from 'croner';
import type { Timetable } from '#core/timetable.ts';

const SHAPE = /^(@(yearly|annually|monthly|weekly|daily|midnight|hourly)|[^\s:]+( +[^\s:]+){4})$/;

/**
 * The timetable of a cron expression (five fields, or a nickname such as `@daily`) in an IANA time zone. Where clocks
 * are changed, hours that are named come once a day: after the gap if they fall into one and the day goes on, and at the
 * first of two.
 * @throws Error, in one line, if the expression is none or never comes true, or there is no such time zone
 */
export function timetableOf(expression: string, timeZone: string): Timetable {
  const cron = cronOf(expression, timeZone);
  // Five fields name no year: what comes true at all does so after 1970, and again for ever.
  if (cron.nextRun(new Date(0)) === null) throw new Error(`${JSON.stringify(expression)} never comes true`);
  return {
    next(after) {
      const at = cron.nextRun(new Date(after))?.getTime();
      if (at === undefined || at <= after) throw new Error(`nothing of ${expression} comes after ${after}`);
      return at;
    },
  };
}

function cronOf(expression: string, timeZone: string): Cron {
  // Croner would also take seconds, years, and a date as something that is done once.
  if (!SHAPE.test(expression)) {
    throw new Error(refusal(expression, 'write five fields, as in "0 3 * * *", or a name such as @daily'));
  }
  try {
    // By default, a list of hours loses what falls into a gap, and a backup with it.
    return new Cron(expression, { timezone: timeZone, fixedTimeRule: 'no-wildcard' });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(refusal(expression, why.replace(/^CronPattern: /, '')));
  }
}

function refusal(expression: string, why: string): string {
  return `${JSON.stringify(expression)} is no cron expression: ${why}`;
}
