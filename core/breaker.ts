export type BreakerState = 'closed' | 'open' | 'half_open';

/** A try that was begun. A probe is one on which it depends whether the breaker closes. */
export type Attempt = 'ordinary' | 'probe';

/**
 * Takes an upstream that mostly fails out of the choice for a while, then lets single probes through, and closes by one
 * that is answered. Instants are those of a clock that is never set, and never run backwards.
 */
export interface Breaker {
  state(nowMs: number): BreakerState;
  /** Whether a try may begin now: always while it is closed, never while it is open, one at a time in between. */
  allows(nowMs: number): boolean;
  /** To be told of every try, also of one that it does not allow. */
  begin(nowMs: number): Attempt;
  /** How the try ended; `null`: it does not tell anything of the upstream. */
  end(attempt: Attempt, ok: boolean | null, nowMs: number): void;
}

/** When a breaker opens, and for how long. */
export interface BreakerRule {
  /** What is looked at: the tries that ended within so long. */
  readonly windowMs: number;
  /** Fewer than these prove nothing. */
  readonly samplesMin: number;
  /** The share of failures, from 0 to 1, from which on it opens. */
  readonly failureShare: number;
  readonly openMs: number;
}

/** That of an upstream of which nobody says otherwise. */
export const BREAKER_RULE: BreakerRule = {
  // Long enough to see a small service's traffic, short enough to forget this morning.
  windowMs: 30_000,
  // One or two failures are chance.
  samplesMin: 10,
  failureShare: 0.5,
  // As long as a restart or a failed-over load balancer takes; a probe costs one client one more try.
  openMs: 15_000,
};

/** The window moves on in so many steps: it is at most a tenth too short. */
const STEPS = 10;
const NEVER = Number.NEGATIVE_INFINITY;

interface Step {
  number: number;
  failed: number;
  total: number;
}

export function createBreaker(rule: BreakerRule): Breaker {
  const stepMs = rule.windowMs / STEPS;
  const steps: Step[] = Array.from({ length: STEPS }, () => ({ number: NEVER, failed: 0, total: 0 }));
  /** `null` while it is closed. */
  let openUntilMs: number | null = null;
  let isProbing = false;

  function count(ok: boolean, nowMs: number): void {
    const number = Math.floor(nowMs / stepMs);
    const step = steps[number % STEPS] as Step;
    if (step.number !== number) Object.assign(step, { number, failed: 0, total: 0 });
    step.total += 1;
    if (!ok) step.failed += 1;
  }

  function mostlyFails(nowMs: number): boolean {
    const oldest = Math.floor(nowMs / stepMs) - STEPS;
    let [failed, total] = [0, 0];
    for (const step of steps) {
      if (step.number <= oldest) continue;
      failed += step.failed;
      total += step.total;
    }
    return total >= rule.samplesMin && failed >= total * rule.failureShare;
  }

  function close(): void {
    openUntilMs = null;
    // What was before has had its consequence.
    for (const step of steps) step.number = NEVER;
  }

  const state = (nowMs: number): BreakerState => {
    if (openUntilMs === null) return 'closed';
    return nowMs < openUntilMs ? 'open' : 'half_open';
  };
  const allows = (nowMs: number) => {
    const is = state(nowMs);
    return is === 'closed' || (is === 'half_open' && !isProbing);
  };

  return {
    state,
    allows,
    begin(nowMs) {
      if (openUntilMs === null || !allows(nowMs)) return 'ordinary';
      isProbing = true;
      return 'probe';
    },
    end(attempt, ok, nowMs) {
      if (attempt === 'probe') {
        isProbing = false;
        if (ok === true) close();
        else if (ok === false) openUntilMs = nowMs + rule.openMs;
        return;
      }
      // What was begun before it opened, or for want of another upstream, does not move it.
      if (ok === null || openUntilMs !== null) return;
      count(ok, nowMs);
      if (!ok && mostlyFails(nowMs)) openUntilMs = nowMs + rule.openMs;
    },
  };
}
