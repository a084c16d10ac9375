import { dialectAt } from '#core/endpoints.ts';
import type { Dialect } from '#core/upstream.ts';
import type { WireError } from './reply.ts';
import { errorOf, json } from './reply.ts';

/** Anthropic's types of errors by status; other 4xx are requests that are invalid, other 5xx the API's (its page on errors). */
const ANTHROPIC_TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

/** `reply` as clients of what is at `path` read it: an error of ours, which is in OpenAI's words, may need others. */
export function inDialect(reply: Response, path: string, requestId: string): Response {
  const error = errorOf(reply);
  if (error === null) return reply;
  const dialect = dialectAt(path);
  if (dialect === 'openai') return reply;
  const headers = Object.fromEntries(reply.headers);
  return json(reply.status, anthropicError(error, requestId), {
    ...headers,
    ...idHeaders(dialect, requestId),
  });
}

/** The id of a request, where clients look for it: Anthropic's in a header of its own, too. */
export function idHeaders(dialect: Dialect, requestId: string): Record<string, string> {
  return { 'x-request-id': requestId, ...(dialect === 'anthropic' ? { 'request-id': requestId } : {}) };
}

/** An error as Anthropic's clients read it; our own code is where theirs are, in `details.error_code`. */
export function anthropicError({ status, code, message }: WireError, requestId: string) {
  const type = ANTHROPIC_TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error');
  return {
    type: 'error',
    error: { type, message, details: { error_code: code } },
    request_id: requestId,
  };
}
