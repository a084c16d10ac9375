import type { Usage } from './model.ts';

/** How the events of a stream tell what was used, and that there are no more. */
export interface EventShape {
  /** How an error is told in the midst of such a stream. */
  readonly errors: 'chunk' | 'response' | 'message';
  /** An event without one of these in its text tells nothing of either: it passes unread. */
  readonly marks: readonly string[];
  /** Begins to read a stream. */
  reader(): EventReader;
}

/** Reads one stream, as far as it tells something. */
export interface EventReader {
  /** The next event that has a mark: its data, and what that is as JSON, `undefined` if it is none. */
  read(event: unknown, data: string): void;
  /** What was used according to the events so far; `null` if nothing, or nothing sane. */
  usage(): Usage | null;
  /** Whether the event was read that ends a stream. */
  isDone(): boolean;
  /** Whether the usage came where a stream ends, should the event that ends it never come. */
  isFinal(): boolean;
}
