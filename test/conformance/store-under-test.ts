import type { Store } from '#core/ports.ts';
import type { Calendar } from '#core/window.ts';

/** A store, and what a test may do to it. */
export interface StoreUnderTest {
  readonly store: Store;
  /** What a new process finds after this one was killed now: the same data, and nothing finished first. */
  crash(): Promise<StoreUnderTest>;
  /** What breaks an invariant in the stored data. */
  problems(): Promise<readonly string[]>;
}

/** Makes an empty store. The suite closes what it opened; the rest is for the caller to clean up. */
export type OpenStore = (calendar: Calendar) => Promise<StoreUnderTest>;
