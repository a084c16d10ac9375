import type { Action, ActionGroup } from '../admin/contract/action.ts';
import { headersOfAll, headersOfChanges, headersOfFiles } from './answer-headers.ts';
import { errorReplies } from './error-rows.ts';
import { exampleOf } from './example-of.ts';
import type { Content, Documented, Operation, Parameter, Reference } from './operation.ts';
import { openapiPath, SECURITY } from './operation.ts';
import type { Described, Schemas } from './schema-of.ts';
import { schemaOf } from './schema-of.ts';

/** The admin API as OpenAPI has it: one operation for each action of the contract. */
export function adminOperations(contract: Readonly<Record<string, ActionGroup>>): readonly Documented[] {
  return Object.entries(contract).flatMap(([group, actions]) =>
    Object.entries(actions).map(([name, action]) => documented(group, name, action)),
  );
}

function documented(group: string, name: string, action: Action): Documented {
  const { method, path } = action;
  const params = schemaOf(action.params, 'input');
  const query = schemaOf(action.query, 'input');
  const body = schemaOf(action.body, 'input');
  const reply = schemaOf(action.reply, 'output');
  const schemas = { ...params.named, ...query.named, ...body.named, ...reply.named };
  const parameters = [
    ...parametersOf('path', params),
    ...parametersOf('query', query),
    ...(method === 'GET' ? [] : [{ $ref: '#/components/parameters/Idempotency-Key' }]),
  ];
  const operation: Operation = {
    operationId: `${group}.${name}`,
    tags: [group],
    summary: action.summary,
    security: SECURITY.admin,
    parameters,
    ...(method !== 'GET' && isAsked(body) && { requestBody: bodyOf(body, schemas) }),
    responses: {
      [action.status]: {
        description: action.status === 201 ? 'It was made.' : 'It was done.',
        headers: method === 'GET' ? (isCsvOffered(query) ? headersOfFiles : headersOfAll) : headersOfChanges,
        content: { 'application/json': contentOf(reply, schemas), ...otherFormats(query) },
      },
      ...errorReplies({ method, path, access: 'admin', upstream: false }),
    },
  };
  return { method, path: openapiPath(path), operation, schemas };
}

function parametersOf(
  place: 'path' | 'query',
  { schema, named }: Described,
): readonly (Parameter | Reference)[] {
  return Object.entries(schema.properties ?? {}).map(([name, { description, ...rest }]) => ({
    name,
    in: place,
    required: place === 'path' || schema.required?.includes(name) === true,
    ...(description !== undefined && { description }),
    schema: rest,
    ...(place === 'path' && { example: exampleOf(rest, named, name) }),
  }));
}

function isAsked({ schema }: Described): boolean {
  return Object.keys(schema.properties ?? {}).length > 0;
}

function bodyOf(body: Described, schemas: Schemas) {
  const required = (body.schema.required ?? []).length > 0;
  return { required, content: { 'application/json': contentOf(body, schemas) } };
}

function contentOf(
  { schema: { examples: _, ...schema }, schema: described }: Described,
  schemas: Schemas,
): Content {
  return { schema, example: exampleOf(described, schemas) };
}

/** What is answered where the query asks for a file. */
function otherFormats(query: Described): Readonly<Record<string, Content>> {
  return isCsvOffered(query) ? { 'text/csv': { schema: { type: 'string' } } } : {};
}

function isCsvOffered({ schema }: Described): boolean {
  return schema.properties?.['format']?.enum?.includes('csv') === true;
}
