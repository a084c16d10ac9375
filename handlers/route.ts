import type { Digest, RequestId } from '#core/model.ts';
import type { Trace } from '#core/tracing.ts';

/** What the platform knows of a request beside the request itself. */
export interface Env {
  /** The client's address. */
  readonly address: string;
  /** Whether the process takes new work: false once it was told to stop. */
  readonly ready: boolean;
}

/** Keeps work alive that outlives the reply, as serverless platforms do. */
export interface Context {
  waitUntil(work: Promise<unknown>): void;
}

/** One request on its way through a route. */
export interface Exchange {
  readonly request: Request;
  /** Names this call in the answer, in the log, and in the ledger. */
  readonly requestId: RequestId;
  /** When it came, by the clock that is never set. */
  readonly startedMs: number;
  /** `null`: this call is not followed. */
  readonly trace: Trace | null;
  /** Decoded path parameters. */
  readonly params: Readonly<Record<string, string>>;
  readonly env: Env;
  readonly ctx: Context;
}

/** Who calls an admin route, for the operation log: `admin@203.0.113.7`. */
export type Actor = string;

type Reply = Response | Promise<Response>;

interface Address {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Hono's path syntax: `/admin/keys/:key`. */
  readonly path: string;
}

/**
 * A route says itself who may call it: one that does not say so does not compile.
 * `key` routes get the digest of a secret that could be one of ours, which the store has yet to know, or that was imported;
 * `admin` routes are reached with a correct admin token only, `metrics` routes with that or with their own.
 */
export type Route =
  | (Address & { readonly access: 'public'; handle(exchange: Exchange): Reply })
  | (Address & {
      readonly access: 'key';
      /** Whether the route tells the observer itself how a call ended, which may be long after its reply began. */
      readonly tells?: true;
      handle(exchange: Exchange, digest: Digest): Reply;
    })
  | (Address & { readonly access: 'admin'; handle(exchange: Exchange, actor: Actor): Reply })
  | (Address & { readonly access: 'metrics'; handle(exchange: Exchange): Reply });
