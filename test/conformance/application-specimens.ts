import type { Application, KeyTerms } from '#core/applications.ts';
import type { Instant } from '#core/model.ts';
import { NOON } from '#test/fakes/accounts.ts';
import { DAY_MS, idOf, requestsADay } from './specimens.ts';

/** Unlike the defaults in each member. */
export const TERMS: KeyTerms = {
  label: '张三',
  expiry: { kind: 'after', spanMs: 30 * DAY_MS },
  quotas: requestsADay(1),
  models: ['a'],
  ips: ['203.0.113.0/24'],
  requestsPerMinute: 10,
  maxConcurrency: 2,
  metadata: { forum: 'neo' },
};

/** Number `n`, which nobody decided yet. */
export function applicationNumber(n: number, changes: Partial<Application> = {}): Application {
  return {
    id: idOf('request', n),
    digest: n.toString(16).padStart(64, '0'),
    name: `n${n}`,
    contact: null,
    reason: null,
    madeAt: NOON,
    verdict: null,
    claim: null,
    ...changes,
  };
}

/** Under `TERMS`. */
export function approval(at: Instant = NOON) {
  return { kind: 'approved', at, by: 'admin@203.0.113.7', terms: TERMS } as const;
}
