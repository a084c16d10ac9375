import type { Instant, Quota } from '#core/model.ts';

/** What another system knows of a key. */
export interface ForeignKey {
  /** As clients send it. */
  readonly secret: string;
  readonly label: string;
  readonly createdAt: Instant | null;
  readonly expiresAt: Instant | null;
  readonly disabled: boolean;
  /** `null`: it says nothing, so the key gets what a new one gets here. */
  readonly quotas: readonly Quota[] | null;
  readonly models: readonly string[] | null;
  readonly ips: readonly string[] | null;
  readonly days: readonly ForeignDay[];
}

/** What a key used on one local day of this server. */
export interface ForeignDay {
  readonly day: string;
  readonly requests: number;
  readonly errors: number;
  readonly prompt: number;
  readonly completion: number;
  readonly costMicros: number;
}

/** Something that does not come along, or not as it is there. Never with a secret in it. */
export interface Problem {
  /** What is left out; `terms`: the key comes, and something of it is another than there. */
  readonly about: 'key' | 'usage' | 'terms';
  readonly what: string;
  /** The row, or the key as it may be shown. */
  readonly where: string;
  readonly rows: number;
}

export type Found =
  | { readonly kind: 'key'; readonly key: ForeignKey }
  | { readonly kind: 'problem'; readonly problem: Problem };

/** A file of another system, open to be read. What it holds does not change while it is open. */
export interface ForeignFile {
  /** Whose format it is, in words. */
  readonly format: string;
  readonly keyCount: number;
  /** The models used most there, if its quotas are in money: with such a quota a model needs a price. */
  readonly pricedModels: readonly string[] | null;
  /** Each key once, with all that it used. Reads as it is asked: memory is bounded by one key's days. */
  found(reading: Reading): Iterable<Found>;
  close(): void;
}

/** How to read it. */
export interface Reading {
  readonly days: LocalDays;
  /** What becomes of a quota in money: one of ours, or none. */
  readonly moneyQuotas: 'cost' | 'none';
}

/** Which local day of this server something belongs to. `undefined`: to none that can be. */
export interface LocalDays {
  readonly today: string;
  at(instant: Instant): string | undefined;
  /** A day by its name in the file. */
  named(day: string): string | undefined;
}

/** The file is none that could be imported. The message says what it is, and what could. */
export class NotRecognised extends Error {
  override readonly name = 'NotRecognised';
}
