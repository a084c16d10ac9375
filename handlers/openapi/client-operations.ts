import * as z from 'zod';
import type { Endpoint } from '#core/endpoints.ts';
import { field } from '../admin/contract/field.ts';
import { headersOfAll, headersOfMetered } from './answer-headers.ts';
import { errorReplies } from './error-rows.ts';
import { exampleOf } from './example-of.ts';
import type { Documented, Operation, Reply } from './operation.ts';
import { SECURITY } from './operation.ts';
import type { Schema } from './schema-of.ts';
import { schemaOf } from './schema-of.ts';

/** What the holder of a key can call: the metered endpoints, and what costs nothing. */
export function clientOperations(endpoints: readonly Endpoint[]): readonly Documented[] {
  return [...endpoints.map(metered), MODELS, MODEL, quotaOperation()];
}

function metered({ path, upstreamPath, description }: Endpoint): Documented {
  const { summary, members, required, example } = description;
  const schema: Schema = { type: 'object', properties: members, required, additionalProperties: true };
  const answer = { schema: ANYTHING };
  const operation: Operation = {
    operationId: path.replace(/^\/v1\//, '').replaceAll('/', '.'),
    tags: ['client'],
    summary,
    description:
      'Only the members that metering reads are described: everything else passes untouched, and the answer is that of the upstream.',
    security: SECURITY.key,
    requestBody: { required: true, content: { 'application/json': { schema, example } } },
    responses: {
      200: {
        description: 'The answer of the upstream.',
        headers: headersOfMetered,
        content: {
          'application/json': answer,
          ...(Object.hasOwn(members, 'stream') && { 'text/event-stream': { schema: { type: 'string' } } }),
        },
      },
      ...errorReplies({ method: 'POST', path, access: 'key', upstream: true }),
    },
    'x-also-at': [upstreamPath],
  };
  return { method: 'POST', path, operation, schemas: {} };
}

const ANYTHING: Schema = { type: 'object', additionalProperties: true };

const MODEL_SCHEMA: Schema = {
  type: 'object',
  properties: { id: { type: 'string' }, object: { type: 'string', examples: ['model'] } },
  required: ['id'],
  additionalProperties: true,
};

function free(
  path: string,
  operation: Omit<Operation, 'tags' | 'security' | 'responses'>,
  reply: Reply,
  upstream: boolean,
): Documented {
  const traits = { method: 'GET', access: 'key', upstream } as const;
  const responses = { 200: reply, ...errorReplies({ ...traits, path }) };
  const documented = { ...operation, tags: ['client'] as const, security: SECURITY.key, responses };
  return { method: 'GET', path: path.replace(/:(\w+)/, '{$1}'), operation: documented, schemas: {} };
}

const MODELS = free(
  '/v1/models',
  {
    operationId: 'models.list',
    summary: "Lists the upstream's models, cut to what the key may use. Costs nothing.",
    'x-also-at': ['/models'],
  },
  {
    description: 'As OpenAI lists them.',
    headers: headersOfAll,
    content: {
      'application/json': {
        schema: {
          type: 'object',
          properties: {
            object: { type: 'string', const: 'list' },
            data: { type: 'array', items: MODEL_SCHEMA },
          },
          required: ['object', 'data'],
        },
        example: { object: 'list', data: [{ id: 'deepseek-chat', object: 'model' }] },
      },
    },
  },
  true,
);

const MODEL = free(
  '/v1/models/:id',
  {
    operationId: 'models.get',
    summary: 'Shows one of the models. Costs nothing.',
    parameters: [
      {
        name: 'id',
        in: 'path',
        required: true,
        description: 'May have slashes in it',
        schema: { type: 'string' },
        example: 'deepseek-chat',
      },
    ],
    'x-also-at': ['/models/{id}'],
  },
  {
    description: 'As the upstream lists it.',
    headers: headersOfAll,
    content: {
      'application/json': { schema: MODEL_SCHEMA, example: { id: 'deepseek-chat', object: 'model' } },
    },
  },
  true,
);

const isoText = z.string().meta({ examples: ['2026-11-26T00:00:00.000Z'] });

const quotaReply = z.object({
  id: z.string(),
  label: z.string(),
  status: z.enum(['active', 'disabled', 'expired', 'deleted']),
  created_at: field.time,
  expires_at: field.time.nullable(),
  expires_at_iso: isoText.nullable(),
  in_words: z
    .array(z.string())
    .describe('A sentence for each limit, for people. The wording may change')
    .meta({ examples: [['59 of 60 requests per minute left.']] }),
  quotas: z.array(field.standing.extend({ remaining: field.count, resets_at_iso: isoText.nullable() })),
  rate: z
    .object({ requests_per_minute: field.count, remaining: field.count })
    .nullable()
    .describe('null: there is no rate limit'),
  models: z.array(z.string()).nullable().describe('null: all'),
  max_concurrency: z.int().nullable().describe('null: any'),
  in_flight: field.count,
});

function quotaOperation(): Documented {
  const { schema, named } = schemaOf(quotaReply, 'output');
  const { schemas: _, ...rest } = free(
    '/v1/quota',
    {
      operationId: 'quota.get',
      summary: 'Shows what the key may do, and what is left. Costs nothing, and is not counted.',
      'x-also-at': ['/quota'],
    },
    {
      description: 'The state of the key.',
      headers: headersOfAll,
      content: { 'application/json': { schema, example: exampleOf(schema, named) } },
    },
    false,
  );
  return { ...rest, schemas: named };
}
