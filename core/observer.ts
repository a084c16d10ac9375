import type { Charge, KeyId, RequestId, Usage } from './model.ts';

/** One line for each request and each thing that an operator should know. */
export interface Observer {
  requestEnded(event: RequestEnded): void;
  /** Something worth knowing, and not an error. */
  noticed(message: string, fields: Readonly<Record<string, unknown>>): void;
  /** Something that an operator should look at, where nothing failed. */
  warned(message: string, fields: Readonly<Record<string, unknown>>): void;
  /** Something that failed inside or at the outside world; `error` is logged in full, here alone. */
  failed(message: string, error: unknown, fields: Readonly<Record<string, unknown>>): void;
}

/** One call of a client, the operator's too, and what became of it. `null` is what did not come to pass. */
export interface RequestEnded {
  readonly requestId: RequestId;
  readonly method: string;
  /** The path as it is declared: what clients invent is `unmatched`. */
  readonly route: string;
  /** The client's address. */
  readonly address: string;
  readonly keyId: KeyId | null;
  readonly model: string | null;
  /** Who gave the answer, or was the last to be asked for it. */
  readonly upstream: string | null;
  readonly status: number;
  /** The kind of the denial or failure, or the error's code; `null` for a request that was served. */
  readonly reason: string | null;
  /** By the upstream's count. */
  readonly usage: Usage | null;
  readonly charge: Charge | null;
  /** Until the store had recorded the reservation. */
  readonly storeMs: number | null;
  /** From sending to the upstream's answer, or to the first bytes of a stream. */
  readonly upstreamMs: number | null;
  /** What the proxy took beside that: until it had sent to who answered, waiting included, and from a whole answer on. */
  readonly addedMs: number | null;
  readonly durationMs: number;
}
