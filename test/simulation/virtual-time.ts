import type { Instant } from '#core/model.ts';
import type { Clock } from '#core/ports.ts';

/** Time that passes when it is told to. While `during` runs, `setTimeout` is about this time. */
export interface VirtualTime extends Clock {
  sleep(ms: number): Promise<void>;
  /** Sets the clock that can be set. */
  jump(ms: number): void;
  /** Lets so much time pass; after each thing that was due on the way, `look` is called. */
  pass(ms: number, look: () => Promise<void>): Promise<void>;
  during<T>(work: () => Promise<T>): Promise<T>;
}

interface Due {
  readonly atMs: number;
  act(): void;
}

export function virtualTime(startsAt: Instant): VirtualTime {
  let elapsedMs = 0;
  let setMs = 0;
  const waiting: Due[] = [];

  function later(ms: number, act: () => void): Due {
    const due = { atMs: elapsedMs + Math.max(ms, 0), act };
    const at = waiting.findIndex((other) => other.atMs > due.atMs);
    waiting.splice(at < 0 ? waiting.length : at, 0, due);
    return due;
  }

  return {
    now: () => Math.floor(startsAt + elapsedMs + setMs),
    elapsedMs: () => elapsedMs,
    sleep: (ms) => new Promise((resolve) => void later(ms, resolve)),
    jump: (ms) => (setMs += ms),
    async pass(ms, look) {
      const untilMs = elapsedMs + ms;
      for (let [next] = waiting; next !== undefined && next.atMs <= untilMs; [next] = waiting) {
        waiting.shift();
        elapsedMs = next.atMs;
        next.act();
        await look();
      }
      elapsedMs = untilMs;
    },
    async during(work) {
      const { setTimeout, clearTimeout } = globalThis;
      const timers = {
        setTimeout: (act: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) =>
          later(ms, () => act(...args)),
        clearTimeout: (due: Due) => waiting.splice(waiting.indexOf(due) >>> 0, 1),
      };
      Object.assign(globalThis, timers);
      try {
        return await work();
      } finally {
        Object.assign(globalThis, { setTimeout, clearTimeout });
      }
    },
  };
}
