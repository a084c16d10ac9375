import type { Abnormal, AbnormalLimits, Noticed } from '#core/abnormal.ts';
import { networkOf } from '#core/address.ts';
import type { KeyRegistry } from '#core/key-registry.ts';
import type { Instant, KeyId } from '#core/model.ts';
import type { Observer, RequestEnded } from '#core/observer.ts';
import type { Clock } from '#core/ports.ts';
import { recent } from '#core/recent.ts';
import type { UsageReports } from '#core/reports.ts';
import type { Calendar } from '#core/window.ts';
import { watchDays } from './watch-days.ts';

/** Notices abnormal access in what the observer hears. Everything is kept in memory alone. */
export interface AccessWatch extends Pick<Observer, 'requestEnded'> {
  /** Compares what keys used today with what they use on other days. */
  lookAtDays(at: Instant): Promise<void>;
  /** The last things that were noticed, newest first. */
  noticed(): readonly Noticed[];
}

export interface AccessWatchParts {
  readonly keys: KeyRegistry;
  readonly reports: UsageReports;
  readonly clock: Clock;
  readonly calendar: Calendar;
  readonly limits: AbnormalLimits;
  /** Takes what is noticed, once for each time that it happens. */
  tell(noticed: Noticed): void;
}

const FAILURES_WITHIN_MS = 10 * 60_000;
const ADDRESSES_WITHIN_MS = 60 * 60_000;
const NOTICED_MAX = 50;

/** What says that somebody had no key or token; a holder whose key expired has one. */
const FAILURES: ReadonlySet<string | null> = new Set([
  'unknown_key',
  'deleted_key',
  'invalid_api_key',
  'invalid_admin_token',
]);

export function watchAccess(parts: AccessWatchParts): AccessWatch {
  const { keys, reports, clock, calendar, limits, tell } = parts;
  const failures = recent(limits.authFailuresMax, FAILURES_WITHIN_MS);
  const addresses = recent(limits.addressesMax, ADDRESSES_WITHIN_MS);
  const all: Noticed[] = [];

  async function labelOf(id: KeyId | null): Promise<string | null> {
    return id === null ? null : ((await keys.account({ id }))?.key.label ?? null);
  }

  function notice(abnormal: Abnormal): void {
    const add = (label: string | null) => {
      const noticed = { ...abnormal, label };
      all.unshift(noticed);
      all.length = Math.min(all.length, NOTICED_MAX);
      tell(noticed);
    };
    // A store that cannot be asked for a name hides nothing.
    labelOf(abnormal.keyId).then(add, () => add(null));
  }
  const days = watchDays({ reports, calendar, multiple: limits.dayMultiple, notice });

  function requestEnded(ended: RequestEnded): void {
    const { keyId, address, reason } = ended;
    const at = clock.now();
    if (FAILURES.has(reason)) {
      const count = failures.add(networkOf(address), null, at);
      const usual = limits.authFailuresMax;
      if (count !== undefined)
        notice({ kind: 'authentication_failures', at, keyId: null, address, count, usual });
    }
    if (keyId === null) return;
    const count = addresses.add(keyId, networkOf(address), at);
    const usual = limits.addressesMax;
    if (count !== undefined) notice({ kind: 'many_addresses', at, keyId, address: null, count, usual });
    days.ended(keyId, ended, at);
  }

  return { requestEnded, lookAtDays: days.look, noticed: () => all };
}
