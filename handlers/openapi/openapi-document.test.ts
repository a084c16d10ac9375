import { expect, test } from 'vitest';
import { ENDPOINTS } from '#core/endpoints.ts';
import { openapiSchemas } from '#test/fakes/openapi-schemas.ts';
import { contract } from '../admin/contract.ts';
import { idempotencyKeyOf } from '../admin/idempotency-key.ts';
import { openapiDocument } from './openapi-document.ts';

const SCHEMAS = openapiSchemas(openapiDocument({ version: '1.2.3', endpoints: ENDPOINTS, contract }));

test.each([
  'a',
  'a/b;c=d',
  'x'.repeat(255),
  'x'.repeat(256),
  `"${'x'.repeat(255)}"`,
  `"${'x'.repeat(256)}"`,
  '"a \\"b\\\\"',
  '""',
  '"torn',
  'a b',
  'a,b',
  'é',
])('the Idempotency-Key %s is one for the document if it is one for the server', (text) => {
  const { kind } = idempotencyKeyOf(new Headers({ 'idempotency-key': text }));
  const complaints = SCHEMAS.complaints(['components', 'parameters', 'Idempotency-Key', 'schema'], text);
  expect(complaints.length === 0).toBe(kind === 'key');
});
