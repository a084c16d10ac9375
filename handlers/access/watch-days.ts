import type { Abnormal } from '#core/abnormal.ts';
import { LEAST_UNUSUAL, usualOf } from '#core/abnormal.ts';
import type { Instant, KeyId } from '#core/model.ts';
import type { RequestEnded } from '#core/observer.ts';
import type { UsageCounts, UsageReports } from '#core/reports.ts';
import type { Calendar } from '#core/window.ts';

/** What keys use today, beside what they use on other days. */
export interface DaysWatch {
  ended(keyId: KeyId, ended: RequestEnded, at: Instant): void;
  look(at: Instant): Promise<void>;
}

interface DaysWatchParts {
  readonly reports: UsageReports;
  readonly calendar: Calendar;
  /** 0 looks at nothing. */
  readonly multiple: number;
  notice(abnormal: Abnormal): void;
}

/** What a key used today, since this process began: it says when a look at all of its days is worth its while. */
interface Today {
  requests: number;
  tokens: number;
  /** At what of these to look next: each look is for half as much more. */
  nextAt: { requests: number; tokens: number };
  isTold: boolean;
}

const KEYS_MAX = 10_000;
const DAYS_BEFORE = 14;
const DAY_MS = 24 * 60 * 60_000;
const NEXT_LOOK = 1.5;

/** A restart begins to count anew: it may tell later, or tell again. */
export function watchDays({ reports, calendar, multiple, notice }: DaysWatchParts): DaysWatch {
  let day = '';
  const keys = new Map<KeyId, Today>();

  /** What is unusual of the key's day; at most one of the two. */
  async function unusualOf(keyId: KeyId, at: Instant): Promise<Abnormal | undefined> {
    const fromDay = calendar.dayOf(at - DAYS_BEFORE * DAY_MS);
    const toDay = calendar.dayOf(at);
    const query = { keyId, fromDay, toDay, groupBy: 'day', limit: DAYS_BEFORE + 1 } as const;
    const { rows } = await reports.usage(query);
    for (const meter of ['requests', 'tokens'] as const) {
      const usual = usualOf(rows.filter((row) => row.day !== toDay).map((row) => used(row)[meter]));
      const today = rows.find((row) => row.day === toDay);
      const count = today === undefined ? 0 : used(today)[meter];
      if (usual !== null && count >= LEAST_UNUSUAL[meter] && count >= multiple * usual)
        return { kind: `unusual_${meter}`, at, keyId, address: null, count, usual };
    }
    return undefined;
  }

  return {
    ended(keyId, { charge }, at) {
      if (multiple === 0 || charge === null) return;
      const now = calendar.dayOf(at);
      if (now !== day) keys.clear();
      day = now;
      const today = keys.get(keyId) ?? {
        ...{ requests: 0, tokens: 0, isTold: false },
        nextAt: { ...LEAST_UNUSUAL },
      };
      today.requests += charge.used.requests;
      today.tokens += charge.used.tokens;
      if (keys.size < KEYS_MAX || keys.has(keyId)) keys.set(keyId, today);
    },
    async look(at) {
      for (const [keyId, today] of keys) {
        const { requests, tokens, nextAt, isTold } = today;
        if (isTold || (requests < nextAt.requests && tokens < nextAt.tokens)) continue;
        nextAt.requests = Math.max(nextAt.requests, requests * NEXT_LOOK);
        nextAt.tokens = Math.max(nextAt.tokens, tokens * NEXT_LOOK);
        const unusual = await unusualOf(keyId, at);
        if (unusual === undefined) continue;
        today.isTold = true;
        notice(unusual);
      }
    },
  };
}

function used({ requests, prompt, completion }: UsageCounts) {
  return { requests, tokens: prompt + completion };
}
