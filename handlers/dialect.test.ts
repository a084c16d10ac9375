import { expect, test } from 'vitest';
import { idHeaders, inDialect } from './dialect.ts';
import { errorReply, json } from './reply.ts';

const ID = '01a20d76-957b-7026-a6b3-c950249c6d9c';
const refusal = (status: number) =>
  errorReply({ status, type: 't', code: 'c', message: 'm', param: 'p', headers: { 'retry-after': '5' } });

test.each([
  { status: 400, type: 'invalid_request_error' },
  { status: 401, type: 'authentication_error' },
  { status: 403, type: 'permission_error' },
  { status: 404, type: 'not_found_error' },
  { status: 408, type: 'invalid_request_error' },
  { status: 413, type: 'request_too_large' },
  { status: 415, type: 'invalid_request_error' },
  { status: 429, type: 'rate_limit_error' },
  { status: 500, type: 'api_error' },
  { status: 502, type: 'api_error' },
  { status: 503, type: 'api_error' },
  { status: 504, type: 'timeout_error' },
])("$status is $type to Anthropic's clients", async ({ status, type }) => {
  const reply = inDialect(refusal(status), '/v1/messages', ID);
  expect(reply.status).toBe(status);
  expect(Object.fromEntries(reply.headers)).toEqual({
    'content-type': 'application/json',
    'retry-after': '5',
    'request-id': ID,
    'x-request-id': ID,
  });
  expect(await reply.json()).toEqual({
    type: 'error',
    error: { type, message: 'm', details: { error_code: 'c' } },
    request_id: ID,
  });
});

test('what is no error of ours, or is elsewhere, stays as it is', () => {
  const served = json(200, {});
  const passedOn = json(400, { error: {} });
  const refused = refusal(429);
  expect(inDialect(served, '/v1/messages', ID)).toBe(served);
  expect(inDialect(passedOn, '/v1/messages', ID)).toBe(passedOn);
  expect(inDialect(refused, '/v1/responses', ID)).toBe(refused);
});

test.each([
  { dialect: 'openai', headers: { 'x-request-id': ID } },
  { dialect: 'anthropic', headers: { 'x-request-id': ID, 'request-id': ID } },
] as const)('the id of a request is where clients of $dialect look', ({ dialect, headers }) => {
  expect(idHeaders(dialect, ID)).toEqual(headers);
});
