import type { Observer } from '#core/observer.ts';
import type { Context } from '#handlers/route.ts';

/** Work that is under way: replies being made, and what outlives them. */
export interface InFlight extends Context {
  /** How much there is. */
  size(): number;
  /** Resolves once nothing is left, not even of what was added meanwhile. */
  idle(): Promise<void>;
}

/** Keeps promises until they settle, and lets none of them fail unheard. */
export function inFlight(observer: Pick<Observer, 'failed'>): InFlight {
  const works = new Set<Promise<unknown>>();
  return {
    waitUntil(work) {
      works.add(work);
      work.then(
        () => works.delete(work),
        (error: unknown) => {
          works.delete(work);
          observer.failed('Work in the background failed.', error, {});
        },
      );
    },
    size: () => works.size,
    async idle() {
      while (works.size > 0) await Promise.allSettled(works);
    },
  };
}
