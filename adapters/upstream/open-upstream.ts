import Pool from 'undici/lib/dispatcher/pool.js';
import type { Dialect, Upstream } from '#core/upstream.ts';
import { UpstreamFailure } from '#core/upstream.ts';
import type { ExchangeLimits } from './exchange.ts';
import { exchange } from './exchange.ts';
import { smallReads } from './small-reads.ts';

export interface UpstreamConfig extends ExchangeLimits {
  /** With the path that the API lives under: `https://api.deepseek.com/v1`. */
  readonly baseUrl: string;
  /** `null` for an upstream that asks for none. */
  readonly apiKey: string | null;
  readonly userAgent: string;
  readonly connectTimeoutMs: number;
  /** From the end of the request to the first header of the answer. */
  readonly headersTimeoutMs: number;
  /** Between two pieces of an answer's body. */
  readonly silenceTimeoutMs: number;
}

export interface OpenUpstream extends Upstream {
  /** Ends every exchange at once; those under way fail as `aborted`. */
  close(): Promise<void>;
}

// A server closes idle connections when it likes; one reused at that moment fails a request that it never saw.
// nginx's default is 75 s, Node's 5 s (and said in its Keep-Alive header, which undici obeys).
const KEEP_ALIVE_MS = 15_000;

/** The upstream over HTTP/1.1 connections that are kept and shared. */
export function openUpstream(config: UpstreamConfig): OpenUpstream {
  const base = new URL(config.baseUrl);
  const basePath = base.pathname.replace(/\/+$/, '');
  const pool = new Pool(base.origin, {
    connectTimeout: config.connectTimeoutMs,
    headersTimeout: config.headersTimeoutMs,
    bodyTimeout: config.silenceTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    pipelining: 1,
    allowH2: false,
    connect: smallReads(),
  });
  const shared = ['user-agent', config.userAgent, 'accept-encoding', 'identity'];
  const ownHeaders: Readonly<Record<Dialect, readonly string[]>> = {
    openai: [...shared, ...credential('authorization', config.apiKey && `Bearer ${config.apiKey}`)],
    anthropic: [...shared, ...credential('x-api-key', config.apiKey)],
  };

  return {
    send({ dialect, method, path, headers, body }) {
      const sent = [...ownHeaders[dialect]];
      for (const [name, value] of Object.entries(headers)) sent.push(name, value);
      return exchange(pool, { method, path: basePath + path, headers: sent, body }, config);
    },
    close: () => pool.destroy(new UpstreamFailure('aborted', 'The proxy is stopping.')),
  };
}

/** An upstream may ask for none. */
function credential(name: string, value: string | null): readonly string[] {
  return value === null ? [] : [name, value];
}
