import { retryAfter, secondsOf } from '../refusal.ts';
import { errorReply } from '../reply.ts';

const NO_RETRY = { 'x-should-retry': 'false' } as const;

/** 429: more from one address than is allowed. */
export function tooMany(waitMs: number): Response {
  const seconds = secondsOf(waitMs);
  const wait = seconds > 120 ? `${Math.ceil(seconds / 60)} min` : `${seconds} s`;
  return errorReply({
    status: 429,
    type: 'rate_limit_error',
    code: 'rate_limit_exceeded',
    message: `There was too much from your address. Try again in ${wait}.`,
    headers: retryAfter(waitMs),
  });
}

/** 503: as many wait as the operator wants to look at. */
export function full(): Response {
  return errorReply({
    status: 503,
    type: 'server_error',
    code: 'applications_full',
    message:
      'No more applications are taken at the moment: as many wait as there may. Try again another day.',
    headers: NO_RETRY,
  });
}

/** 404: the token is nobody's. Says nothing of what was sent. */
export function notFound(): Response {
  return errorReply({
    status: 404,
    type: 'invalid_request_error',
    code: 'application_not_found',
    message:
      'This claim token is of no application. Was the link copied whole? An application is forgotten some time after its end.',
    headers: NO_RETRY,
  });
}

/** 410: the key was shown, and the time in which it is shown again is over. */
export function claimedBefore(): Response {
  return errorReply({
    status: 410,
    type: 'invalid_request_error',
    code: 'application_claimed',
    message:
      'The key of this application was claimed and shown before. It can be shown again for ten minutes, as long as the operator leaves it as it is; that is over. If it was not you, or you lost it, tell the operator.',
    headers: NO_RETRY,
  });
}

/** 410: too late. */
export function expiredBefore(): Response {
  return errorReply({
    status: 410,
    type: 'invalid_request_error',
    code: 'application_expired',
    message: 'This application has expired. Apply again.',
    headers: NO_RETRY,
  });
}
