import type { Instant } from './model.ts';

/** Both clocks at one moment: the wall's, and the one that is never set, in milliseconds. */
export interface ClockReading {
  readonly wall: Instant;
  readonly elapsedMs: number;
}

/** Time servers set a clock right by seconds; a minute is an hour of a wrong zone, a person, or a machine that slept. */
const JUMP_MS_MIN = 60_000;

/** By how much the wall's clock was set between two readings: forward is positive. 0 where it only went on. */
export function jumpBetween(before: ClockReading, after: ClockReading): number {
  const jump = after.wall - before.wall - (after.elapsedMs - before.elapsedMs);
  return Math.abs(jump) < JUMP_MS_MIN ? 0 : Math.round(jump);
}

/** How far the clock is behind the last entry of a ledger, whose time never runs backwards; 0 where it is not. */
export function behindLedger(now: Instant, latestAt: Instant): number {
  return latestAt - now < JUMP_MS_MIN ? 0 : latestAt - now;
}

// Before the first version of this program, and beyond any that will run: a battery is empty, or a date was mistyped.
const EARLIEST = Date.UTC(2025, 0, 1);
const LATEST = Date.UTC(2070, 0, 1);

/** Whether no clock that is right can say so. What is recorded then spoils every window that comes later. */
export function isImpossible(now: Instant): boolean {
  return now < EARLIEST || now >= LATEST;
}
