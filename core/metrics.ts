import type { AbnormalKind } from './abnormal.ts';
import type { Standing } from './decision.ts';
import type { Instant } from './model.ts';
import type { Observer } from './observer.ts';
import type { StoreStatus } from './ports.ts';
import type { UpstreamStanding } from './upstreams.ts';

/** Counts what happens, and shows what is measured, in a text format of Prometheus. */
export interface Metrics extends Pick<Observer, 'requestEnded'> {
  /** The media type of the text. */
  readonly contentType: string;
  /** These figures, and those of this process. */
  text(figures: Figures): Promise<string>;
  /** Counts abnormal access. */
  noticed(kind: AbnormalKind): void;
}

/** What can be read off at one instant. `null` is what is not known, which is not 0. */
export interface Figures {
  readonly version: string;
  readonly store: Pick<
    StoreStatus,
    | 'sizeBytes'
    | 'walBytes'
    | 'diskFreeBytes'
    | 'openReservations'
    | 'keys'
    | 'entries'
    | 'removedEntries'
    | 'oldestAt'
  >;
  /** How many applications wait for a decision; `null`: nobody can apply. */
  readonly applicationsPending: number | null;
  /** What all keys together may use, and did. */
  readonly sponsor: readonly Standing[];
  readonly upstreams: readonly UpstreamStanding[];
  /** `null`: none are made. */
  readonly backups: BackupFigures | null;
}

export interface BackupFigures {
  /** The newest backup; `null` before the first. */
  readonly last: Past | null;
  /** What is in no backup yet; `null` before the first, when that is everything. */
  readonly unshipped: { readonly rows: number; readonly waitedMs: number } | null;
  /** The last rehearsed restore; `null` before the first. */
  readonly drill: (Past & { readonly durationMs: number; readonly ok: boolean }) | null;
  readonly tasks: readonly TaskFigures[];
}

/** When something happened. Its age is negative if the clock was set back since. */
interface Past {
  readonly at: Instant;
  readonly ageMs: number;
}

export interface TaskFigures {
  readonly task: string;
  /** How often it ended well, and how often not, since this process began. */
  readonly done: number;
  readonly failed: number;
  /** Whether it failed the last time. */
  readonly failing: boolean;
}
