import { afterAll, beforeAll, expect, test } from 'vitest';
import { ENDPOINTS } from '#core/endpoints.ts';
import { messagesDescription } from '#core/messages-description.ts';
import { strictOpenapiSchemas } from '#test/fakes/openapi-schemas.ts';
import type { ProxyUnderTest } from '#test/fakes/proxy.ts';
import { openProxy } from '#test/fakes/proxy.ts';
import { completion, sendJson } from '#test/fakes/upstream-server.ts';
import { contract } from '../admin/contract.ts';
import { openapiDocument } from './openapi-document.ts';

const DOCUMENT = openapiDocument({ version: '1.2.3', endpoints: ENDPOINTS, contract });
const SCHEMAS = strictOpenapiSchemas(DOCUMENT);
const BODY = JSON.stringify(messagesDescription.example);
const SCHEMA_OF = ['content', 'application/json', 'schema'];

let proxy: ProxyUnderTest;
beforeAll(async () => {
  proxy = await openProxy({ behaviour: (_, response) => sendJson(response, completion(1, 1)) });
});
afterAll(() => proxy.close());

test.each([
  { status: 400, code: 'invalid_body', body: '{}', headers: {} },
  { status: 400, code: 'invalid_header', body: BODY, headers: { 'anthropic-version': 'newest' } },
  { status: 401, code: 'invalid_api_key', body: BODY, headers: { 'x-api-key': 'sk-none' } },
  { status: 415, code: 'unsupported_media_type', body: BODY, headers: { 'content-type': 'text/plain' } },
])("$code is Anthropic's error at Anthropic's messages, as documented", async (given) => {
  const { status, code, body, headers } = given;
  const { secret } = await proxy.issue();
  const reply = await proxy.fetch('/v1/messages', {
    method: 'POST',
    headers: { 'x-api-key': secret, 'content-type': 'application/json', ...headers },
    body,
  });
  const value = await reply.json();
  expect(reply.status).toBe(status);
  const steps = ['paths', '/v1/messages', 'post', 'responses', String(status), ...SCHEMA_OF];
  expect(SCHEMAS.complaints(steps, value)).toEqual([]);
  expect(SCHEMAS.complaints(['components', 'schemas', 'AnthropicError'], value)).toEqual([]);
  const { content } = DOCUMENT.paths['/v1/messages']?.['post']?.responses[status] ?? {};
  const { $ref } = content?.['application/json']?.examples?.[code] ?? { $ref: '' };
  const example = DOCUMENT.components.examples[$ref.slice($ref.lastIndexOf('/') + 1)]?.value;
  const { message: _, ...told } = Object(example).error;
  expect(value).toMatchObject({ type: 'error', error: told });
});
