import { StoreUnavailable } from '#core/ports.ts';
import type { UpstreamFailureKind } from '#core/upstream.ts';
import { UpstreamFailure } from '#core/upstream.ts';
import type { NotSentReason } from '#core/upstreams.ts';
import { NotSent } from '#core/upstreams.ts';
import { isToldOnce } from './proxy/watched-upstream.ts';
import type { WireError } from './reply.ts';
import { errorReply } from './reply.ts';
import type { Services } from './services.ts';
import { noticeStore } from './store-trouble.ts';

const NO_RETRY = { 'x-should-retry': 'false' } as const;

// What the upstream may have served must not be asked for, and billed, twice: the SDKs retry every 5xx otherwise.
const upstreamWire = {
  unreachable: {
    status: 502,
    type: 'upstream_error',
    code: 'upstream_unreachable',
    message: 'The upstream cannot be reached.',
  },
  timed_out: {
    status: 504,
    type: 'upstream_error',
    code: 'upstream_timeout',
    message: 'The upstream did not answer in time.',
    headers: NO_RETRY,
  },
  broken: {
    status: 502,
    type: 'upstream_error',
    code: 'upstream_broken',
    message: 'The upstream gave no usable answer.',
    headers: NO_RETRY,
  },
  refused: {
    status: 503,
    type: 'upstream_error',
    code: 'upstream_unavailable',
    message: 'The upstream refuses this service at the moment. The operator can see why.',
    headers: NO_RETRY,
  },
  aborted: {
    status: 503,
    type: 'upstream_error',
    code: 'proxy_stopping',
    message: 'The proxy is stopping.',
    headers: NO_RETRY,
  },
} as const satisfies Record<UpstreamFailureKind, WireError>;

// So short because a place may be free again at any moment, and no shorter because everybody else asks, too.
const BUSY = {
  status: 429,
  type: 'rate_limit_error',
  code: 'upstream_busy',
  message: 'This service is at the limit of its provider. Nothing was charged; try again shortly.',
  headers: { 'retry-after': '2' },
} as const;

const notSentWire = {
  full: BUSY,
  too_long: BUSY,
  // nginx's status for a client that is not there to read this.
  client_gone: {
    status: 499,
    type: 'invalid_request_error',
    code: 'client_gone',
    message: 'The client hung up.',
  },
  stopping: upstreamWire.aborted,
  no_such_model: {
    status: 404,
    type: 'invalid_request_error',
    code: 'model_not_found',
    message: 'No upstream of this service has this model. GET /v1/models lists those that there are.',
    param: 'model',
    headers: NO_RETRY,
  },
  other_dialect: {
    status: 404,
    type: 'invalid_request_error',
    code: 'model_not_found',
    message:
      'No upstream of this service that has this model speaks this API. It may be had by the other one.',
    param: 'model',
    headers: NO_RETRY,
  },
} as const satisfies Record<NotSentReason, WireError>;

const STORE_UNAVAILABLE: WireError = {
  status: 503,
  type: 'server_error',
  code: 'store_unavailable',
  message: 'The quota store cannot record anything at the moment; nothing was forwarded. Try again later.',
};

const INTERNAL: WireError = {
  status: 500,
  type: 'server_error',
  code: 'internal_error',
  message: 'The proxy failed. The operator finds the reason in its log under the request id.',
  headers: NO_RETRY,
};

/** What a thrown error is to a client: nothing of its inside. */
export function failureOf(error: unknown): WireError {
  if (error instanceof StoreUnavailable) return STORE_UNAVAILABLE;
  if (error instanceof NotSent) return notSentWire[error.reason];
  if (error instanceof UpstreamFailure) return upstreamWire[error.kind];
  return INTERNAL;
}

/**
 * Logs a thrown error, once and in full, and answers with what a client may know of it. Of what many requests meet, and
 * none of them is the reason, there is one line in all.
 */
export function fail(
  error: unknown,
  requestId: string,
  { observer, troubles }: Pick<Services, 'observer' | 'troubles'>,
): Response {
  const wire = failureOf(error);
  // What was not sent anywhere is no failure: the metrics and the line of the request say so.
  if (!noticeStore(error, troubles) && !isToldOnce(error) && !(error instanceof NotSent)) {
    observer.failed(wire.message, error, { request_id: requestId, code: wire.code });
  }
  return errorReply({ ...wire, headers: { ...wire.headers, 'x-request-id': requestId } });
}
