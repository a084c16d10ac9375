import { expect, test } from 'vitest';
import { headersFor } from './headers-for.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const ALL = {
  'content-type': 'application/json; charset=utf-8',
  accept: 'text/event-stream',
  authorization: 'Bearer sk-1',
  'x-api-key': 'sk-1',
  cookie: 'a=b',
  'anthropic-version': '2024-01-01',
  'anthropic-beta': 'files-api-2025-04-14, output-128k_x.1',
  'openai-organization': 'org-1',
};

test.each([
  { dialect: 'openai', given: {}, headers: JSON_TYPE },
  { dialect: 'openai', given: ALL, headers: { ...JSON_TYPE, accept: ALL.accept } },
  { dialect: 'anthropic', given: {}, headers: { ...JSON_TYPE, 'anthropic-version': '2023-06-01' } },
  {
    dialect: 'anthropic',
    given: ALL,
    headers: {
      ...JSON_TYPE,
      accept: ALL.accept,
      'anthropic-version': ALL['anthropic-version'],
      'anthropic-beta': ALL['anthropic-beta'],
    },
  },
] as const)(
  'of what a client of $dialect sends, this reaches the upstream: $headers',
  ({ dialect, given, headers }) => {
    expect(headersFor(dialect, new Headers(given))).toEqual({ ok: true, headers });
  },
);

test.each([
  {
    name: 'anthropic-version',
    values: ['', 'latest', '2023-06-01, 2023-06-01', '2023-06-01;a', '12023-06-01'],
  },
  { name: 'anthropic-beta', values: ['', 'a b', 'a,,b', 'a;b', 'a:b', 'a, ', 'ä', 'x'.repeat(1_025)] },
])('a wrong $name is refused, and not sent on', ({ name, values }) => {
  for (const value of values) {
    expect(headersFor('anthropic', new Headers({ [name]: value }))).toMatchObject({
      ok: false,
      error: { status: 400, code: 'invalid_header', message: expect.stringContaining(`'${name}'`) },
    });
    expect(headersFor('openai', new Headers({ [name]: value })).ok).toBe(true);
  }
});
