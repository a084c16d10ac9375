/** Whose API a call is of: it decides how an upstream is told who asks, and how a client is told of errors. */
export type Dialect = (typeof DIALECTS)[number];

/** Every dialect. Who has both is asked in the first for what is the same in each. */
export const DIALECTS = ['openai', 'anthropic'] as const;

export interface UpstreamRequest {
  readonly dialect: Dialect;
  readonly method: 'GET' | 'POST';
  /** Below the upstream's base URL: `/chat/completions`. Never taken from a client. */
  readonly path: string;
  /** Headers of the client that may pass; the upstream's own credentials are added by the adapter. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | null;
}

/** The upstream's answer: whole, or a stream of server-sent events that has begun. */
export type UpstreamAnswer =
  | { readonly kind: 'whole'; readonly head: UpstreamHead; readonly body: Uint8Array }
  | { readonly kind: 'stream'; readonly head: UpstreamHead; readonly chunks: UpstreamChunks };

export interface UpstreamHead {
  readonly status: number;
  /** Lower-case names. A repeated header is joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Bytes as they come. Nothing is read ahead of `next` but what the transport already has. */
export interface UpstreamChunks {
  /** The next bytes; `undefined` at a proper end. @throws UpstreamFailure if the stream broke */
  next(): Promise<Uint8Array | undefined>;
  /** Stops reading and lets go of the connection. */
  cancel(): void;
}

export interface Upstream {
  /**
   * Sends a request and resolves with the answer: any status is one. Follows no redirects.
   * Connecting, the wait for headers, silence and the whole exchange have their time limits.
   * @throws UpstreamFailure
   */
  send(request: UpstreamRequest): Promise<UpstreamAnswer>;
}

export type UpstreamFailureKind =
  | 'unreachable' // no connection: nothing was sent
  | 'timed_out' // sent, and no answer in time
  | 'broken' // sent, and the answer was not HTTP, too large, compressed or cut off
  | 'refused' // answered, and not served, for reasons that are ours: credentials, balance
  | 'aborted'; // by us: the process stops

/** The upstream gave no answer. */
export class UpstreamFailure extends Error {
  override readonly name = 'UpstreamFailure';
  readonly kind: UpstreamFailureKind;

  constructor(kind: UpstreamFailureKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }

  /** Whether the upstream may have done the work, and billed it. */
  get mayHaveServed(): boolean {
    return this.kind !== 'unreachable' && this.kind !== 'refused';
  }
}
