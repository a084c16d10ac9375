import { once } from 'node:events';
import pino from 'pino';
import type { Observer, RequestEnded } from '#core/observer.ts';
import { PROBES } from '#core/probes.ts';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

export interface LogConfig {
  readonly level: LogLevel;
  /** A file descriptor. */
  readonly destination: number;
  /** Texts that must never be written, wherever they turn up: in a message, a field, or an error's inside. */
  readonly secrets: readonly string[];
}

export interface Log extends Observer {
  /** Resolves when everything is written. What comes later is not. */
  close(): Promise<void>;
}

const REDACTED = '[redacted]';

/** JSON lines: one for each request, and one for each thing that an operator should know. */
export function openLog({ level, destination, secrets }: LogConfig): Log {
  // Not sync: while one write is under way, lines gather and form the next.
  const stream = pino.destination({ dest: destination, sync: false });
  const logger = pino(
    {
      level,
      base: null,
      formatters: { level: (label) => ({ level: label }) },
      hooks: { streamWrite: redacting(secrets) },
    },
    stream,
  );
  return {
    requestEnded(event) {
      if (PROBES.has(event.route)) logger.debug(requestFields(event), 'request');
      else logger.info(requestFields(event), 'request');
    },
    noticed: (message, fields) => logger.info(fields, message),
    warned: (message, fields) => logger.warn(fields, message),
    failed: (message, error, fields) => logger.error({ ...fields, err: asError(error) }, message),
    async close() {
      logger.level = 'silent';
      // A synchronous flush would not wait for the write that is under way.
      stream.end();
      await once(stream, 'close');
    },
  };
}

function requestFields({ usage, charge, ...event }: RequestEnded): Record<string, unknown> {
  return {
    request_id: event.requestId,
    key_id: event.keyId,
    address: event.address,
    method: event.method,
    route: event.route,
    model: event.model,
    upstream: event.upstream,
    status: event.status,
    reason: event.reason,
    prompt_tokens: usage?.prompt ?? null,
    completion_tokens: usage?.completion ?? null,
    cached_tokens: usage?.cached ?? null,
    cache_written_tokens: usage?.cacheWritten ?? null,
    reasoning_tokens: usage?.reasoning ?? null,
    cost_micros: charge?.priced ? charge.used.cost : null,
    source: charge?.source ?? null,
    store_ms: rounded(event.storeMs),
    upstream_ms: event.upstreamMs,
    added_ms: rounded(event.addedMs),
    duration_ms: event.durationMs,
  };
}

/** To hundredths: what the proxy adds is often less than a millisecond. */
function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 100) / 100;
}

/** By value and on the finished line: no nesting and no library's error can hide one. */
function redacting(secrets: readonly string[]): (line: string) => string {
  const asWritten = secrets
    .filter((secret) => secret !== '')
    .map((secret) => JSON.stringify(secret).slice(1, -1));
  return (line) => asWritten.reduce((text, secret) => text.replaceAll(secret, REDACTED), line);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
