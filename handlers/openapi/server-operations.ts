import { headersOfAll } from './answer-headers.ts';
import { errorReplies } from './error-rows.ts';
import type { Content, Documented, Reply } from './operation.ts';
import { SECURITY } from './operation.ts';
import type { Schema } from './schema-of.ts';

const OK: Schema = { type: 'object', properties: { ok: { type: 'boolean', const: true } }, required: ['ok'] };
const state = (...states: readonly string[]): Schema => ({ type: 'string', enum: states });
const NOT_OK: Schema = {
  type: 'object',
  properties: {
    ok: { type: 'boolean', const: false },
    checks: {
      type: 'object',
      properties: { process: state('ok', 'stopping'), store: state('ok', 'failed') },
      required: ['process', 'store'],
    },
  },
  required: ['ok', 'checks'],
};

/** What is asked by orchestrators, by Prometheus, and by people who read this. */
export const serverOperations: readonly Documented[] = [
  health('/healthz', 'healthz', 'Says whether requests are taken and the store can commit.'),
  health('/readyz', 'readyz', 'The same as `/healthz`, by the name that orchestrators use.'),
  open('/livez', 'livez', 'Says that the process is there: what a restart cannot mend must not cause one.', {
    200: { description: 'It is there.', content: healthy() },
  }),
  {
    method: 'GET',
    path: '/metrics',
    schemas: {},
    operation: {
      operationId: 'metrics',
      tags: ['server'],
      summary: 'Figures for Prometheus.',
      security: SECURITY.metrics,
      responses: {
        200: {
          description: 'The text format of Prometheus.',
          content: {
            'text/plain': { schema: { type: 'string' }, example: 'quota_proxy_open_reservations 3\n' },
          },
        },
        ...errorReplies({ method: 'GET', path: '/metrics', access: 'metrics', upstream: false }),
      },
    },
  },
  open('/openapi.json', 'openapi', 'This API as an OpenAPI 3.1 document.', {
    200: {
      description: 'The document.',
      headers: headersOfAll,
      content: { 'application/json': { schema: { type: 'object' }, example: { openapi: '3.1.1' } } },
    },
  }),
  open('/docs', 'docs', 'This API as a page to read, in the language that the browser prefers.', page()),
  open('/docs/en', 'docs.en', 'The page in English.', page()),
  open('/docs/zh-CN', 'docs.zh-CN', 'The page in Chinese.', page()),
  open('/docs/style.css', 'docs.style', 'What the page looks like.', { 200: text('CSS.', 'text/css') }),
  open('/docs/script.js', 'docs.script', 'Search and copying; the page can do without.', {
    200: text('JavaScript.', 'text/javascript'),
  }),
];

function open(
  path: string,
  operationId: string,
  summary: string,
  answers: Readonly<Record<string, Reply>>,
): Documented {
  const errors = errorReplies({ method: 'GET', path, access: 'public', upstream: false });
  const responses = { ...answers, ...errors };
  const operation = { operationId, tags: ['server'] as const, summary, security: SECURITY.public, responses };
  return { method: 'GET', path, operation, schemas: {} };
}

function health(path: string, operationId: string, summary: string): Documented {
  const content = {
    'application/json': {
      schema: NOT_OK,
      example: { ok: false, checks: { process: 'ok', store: 'failed' } },
    },
  };
  return open(path, operationId, summary, {
    200: { description: 'All is well.', content: healthy() },
    503: { description: 'It is not.', content },
  });
}

function healthy(): Readonly<Record<string, Content>> {
  return { 'application/json': { schema: OK, example: { ok: true } } };
}

function page(): Readonly<Record<string, Reply>> {
  return { 200: text('The page.', 'text/html') };
}

function text(description: string, type: string): Reply {
  return { description, headers: headersOfAll, content: { [type]: { schema: { type: 'string' } } } };
}
