import * as z from 'zod';
import { APPLICATION_STATUSES } from '#core/applications.ts';
import { field } from '../admin/contract/field.ts';
import { applying, claiming } from '../applications/application-bodies.ts';
import { headersOfAll } from './answer-headers.ts';
import { errorReplies } from './error-rows.ts';
import { exampleOf } from './example-of.ts';
import type { Documented, Reply } from './operation.ts';
import { SECURITY } from './operation.ts';
import { schemaOf } from './schema-of.ts';

const CLAIM_TOKEN = 'claim-4f9a1c7be02d4d55a8c3';
const id = z.string().describe('Of the application');
const status = z.enum(APPLICATION_STATUSES);
const endsAt = field.time.nullable().describe('When it expires if nothing happens; null: never');

const applied = z.object({
  id,
  status,
  ends_at: endsAt,
  claim_token: z
    .string()
    .describe('Only here: who has it has the key')
    .meta({ examples: [CLAIM_TOKEN] }),
  claim_url: z
    .string()
    .describe('Path of the page, with the token in its fragment')
    .meta({ examples: [`/claim#${CLAIM_TOKEN}`] }),
});

const shown = z.object({
  id,
  name: z.string().meta({ examples: ['Ada'] }),
  status,
  created_at: field.time,
  ends_at: endsAt,
  rejection_reason: z.string().nullable(),
  key_terms: z
    .object({
      expires_in_days: z.number().nullable().describe('Counted from the claim; null: not so'),
      expires_at: field.time.nullable().describe('null, like `expires_in_days`: never'),
      quotas: z.array(z.object({ meter: field.meter, period: field.period, limit: field.count })),
      models: z.array(z.string()).nullable().describe('null: all'),
    })
    .nullable()
    .describe('What the key will be, or is; null: not approved'),
  key_shown_until: field.time
    .nullable()
    .describe('Until when a claim made again shows the key again; null: not claimed, or that is over'),
});

const claimed = shown.extend({
  key_id: z.string(),
  key: z.string().describe('In full; for ten minutes the same claim shows it again'),
  expires_at: field.time.nullable().describe('null: never'),
});

/** Asking for a key, and taking it: for everybody, where `APPLICATIONS` is true. */
export const applicantOperations: readonly Documented[] = [
  post('/v1/applications', {
    operationId: 'applications.apply',
    summary: 'Applies for a key.',
    body: applying,
    example: { name: 'Ada', contact: '@ada in the forum', reason: 'A summary of papers' },
    replies: { 201: reply('It waits for a decision.', applied) },
  }),
  post('/v1/applications/status', {
    operationId: 'applications.look',
    summary: 'Shows what became of an application.',
    body: claiming,
    example: { claim_token: CLAIM_TOKEN },
    replies: { 200: reply('How it stands.', shown) },
  }),
  post('/v1/applications/claim', {
    operationId: 'applications.claim',
    summary:
      'Takes the key of an approved application; made again within ten minutes, it shows the same key.',
    body: claiming,
    example: { claim_token: CLAIM_TOKEN },
    replies: {
      200: reply('It is pending or was rejected: nothing is taken.', shown),
      201: reply('The key was made, or is shown again.', claimed),
    },
  }),
  page(
    '/apply',
    'applications.page',
    'The page to apply by, in the language that the browser prefers.',
    'html',
  ),
  page('/claim', 'applications.claim-page', 'The page to take the key by.', 'html'),
  page('/apply/page.css', 'applications.page.css', 'What the pages look like.', 'css'),
  page('/apply/page.js', 'applications.page.js', 'What both pages do.', 'javascript'),
  page('/apply/apply.js', 'applications.apply.js', 'What the first page does.', 'javascript'),
  page('/apply/claim.js', 'applications.claim.js', 'What the second page does.', 'javascript'),
];

interface Posted {
  readonly operationId: string;
  readonly summary: string;
  readonly body: z.ZodObject;
  readonly example: Readonly<Record<string, string>>;
  readonly replies: Readonly<
    Record<string, { readonly reply: Reply; readonly schemas: Documented['schemas'] }>
  >;
}

function post(path: string, { operationId, summary, body, example, replies }: Posted): Documented {
  const { schema, named } = schemaOf(body, 'input');
  const answers = Object.entries(replies).map(([code, each]) => [code, each.reply] as const);
  return {
    method: 'POST',
    path,
    operation: {
      operationId,
      tags: ['applications'],
      summary,
      security: SECURITY.public,
      requestBody: { required: true, content: { 'application/json': { schema, example } } },
      responses: {
        ...Object.fromEntries(answers),
        ...errorReplies({ method: 'POST', path, access: 'public', upstream: false }),
      },
    },
    schemas: Object.assign({}, named, ...Object.values(replies).map(({ schemas }) => schemas)),
  };
}

function reply(description: string, answered: z.ZodObject) {
  const { schema, named } = schemaOf(answered, 'output');
  const content = { 'application/json': { schema, example: exampleOf(schema, named) } };
  return { reply: { description, headers: headersOfAll, content }, schemas: named };
}

function page(
  path: string,
  operationId: string,
  summary: string,
  type: 'html' | 'css' | 'javascript',
): Documented {
  const content = { [`text/${type}`]: { schema: { type: 'string' } } };
  const errors = errorReplies({ method: 'GET', path, access: 'public', upstream: false });
  const responses = { 200: { description: 'It is there.', content }, ...errors };
  const operation = {
    operationId,
    tags: ['applications'] as const,
    summary,
    security: SECURITY.public,
    responses,
  };
  return { method: 'GET', path, operation, schemas: {} };
}
