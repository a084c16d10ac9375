import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ENDPOINTS } from '#core/endpoints.ts';
import { contract } from '#handlers/admin/contract.ts';
import { routesOf } from '#handlers/app.ts';
import { CHINESE } from '#handlers/docs/chinese.ts';
import { openapiDocument } from '#handlers/openapi/openapi-document.ts';
import type { Operation } from '#handlers/openapi/operation.ts';
import { openapiPath, SECURITY } from '#handlers/openapi/operation.ts';
import type { BackupsUnderTest } from '#test/fakes/backups.ts';
import { openBackups } from '#test/fakes/backups.ts';
import { openapiSchemas, strictOpenapiSchemas } from '#test/fakes/openapi-schemas.ts';
import { ADMIN_TOKEN } from '#test/fakes/policy.ts';
import type { ProxyUnderTest } from '#test/fakes/proxy.ts';
import { openProxy } from '#test/fakes/proxy.ts';
import { completion, sendJson } from '#test/fakes/upstream-server.ts';

const ROOT = join(import.meta.dirname, '..');
const DOCUMENT = openapiDocument({ version: '1.2.3', endpoints: ENDPOINTS, contract });
const STRICT = strictOpenapiSchemas(DOCUMENT);
const OPERATIONS = Object.entries(DOCUMENT.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    id: operation.operationId,
    path,
    method,
    operation,
  })),
);
const MODELS = JSON.stringify({ object: 'list', data: [{ id: 'demo', object: 'model' }] });

let proxy: ProxyUnderTest;
let backedUp: BackupsUnderTest;

beforeAll(async () => {
  backedUp = await openBackups();
  proxy = await openProxy({
    behaviour: ({ url }, response) => sendJson(response, url.endsWith('/models') ? MODELS : completion(3, 4)),
    openStore: () => ({ ...backedUp.store, close: async () => undefined }),
    backups: backedUp.backups,
    policy: { applications: { perHour: 9, pendingMax: 9 } },
  });
});

afterAll(async () => {
  await proxy.close();
  await backedUp.close();
});

describe('the document', () => {
  test('is one of OpenAPI 3.1, says a validator of other people, and every reference leads somewhere', async () => {
    const validator = new Validator();
    expect(await validator.validate(copy())).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
    expect(JSON.stringify(validator.resolveRefs())).not.toContain('"$ref"');
  });

  test.each([
    { name: 'a method that is none', from: '"get":', to: '"fetch":' },
    { name: 'an operation without answers', from: '"responses":', to: '"replies":' },
    { name: 'a parameter that is nowhere', from: '"in":"query"', to: '"in":"body"' },
    { name: 'no version', from: '"version":"1.2.3",', to: '' },
  ])('the control: $name is noticed', async ({ from, to }) => {
    const text = JSON.stringify(DOCUMENT);
    expect(text).toContain(from);
    expect(await new Validator().validate(JSON.parse(text.replace(from, to)))).toMatchObject({
      valid: false,
    });
  });

  test('is what is served', async () => {
    const reply = await proxy.fetch('/openapi.json');
    expect(reply.status).toBe(200);
    const served = await reply.json();
    expect(served).toEqual({ ...copy(), info: { ...DOCUMENT.info, version: proxy.services.policy.version } });
  });

  test('has every route of the server, with who may call it, and no other', () => {
    const documented = OPERATIONS.flatMap(({ method, path, operation }) =>
      [path, ...(operation['x-also-at'] ?? [])].map(
        (each) => `${method.toUpperCase()} ${each} ${JSON.stringify(operation.security)}`,
      ),
    );
    const routes = routesOf(proxy.services).map(
      ({ method, path, access }) => `${method} ${openapiPath(path)} ${JSON.stringify(SECURITY[access])}`,
    );
    expect([...documented].sort()).toEqual([...routes].sort());
  });

  test('names each operation and each group once, and in Chinese', () => {
    const ids = OPERATIONS.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const known = [...ids, ...DOCUMENT.tags.map(({ name }) => name)];
    expect(Object.keys(CHINESE).sort()).toEqual([...new Set(known)].sort());
  });

  test('knows every error that the page on the API knows', () => {
    const rows = readFileSync(join(ROOT, 'docs/api.md'), 'utf8').matchAll(
      /^\| (\d{3}) \| `([a-z_]+)` \| `([a-z_]+)` \|/gm,
    );
    const told = new Set([...rows].map(([, status, type, code]) => `${status} ${type} ${code}`));
    const documented = OPERATIONS.flatMap(({ operation }) => errorsIn(operation));
    expect([...new Set(documented)].sort()).toEqual([...told].sort());
  });

  test('lets a call that changes something be repeated under one key', () => {
    for (const { path, method, operation } of OPERATIONS.filter((each) => each.path.startsWith('/admin'))) {
      const isOffered = JSON.stringify(operation.parameters).includes('parameters/Idempotency-Key');
      expect(isOffered, `${method} ${path}`).toBe(method !== 'get');
    }
  });
});

describe('an example', () => {
  const contents = OPERATIONS.flatMap(({ id, path, method, operation }) => [
    ...Object.keys(operation.requestBody?.content ?? {}).map((type) => ({
      name: `${id}, body`,
      content: operation.requestBody?.content[type],
      steps: ['paths', path, method, 'requestBody', 'content', type, 'schema'],
    })),
    ...Object.entries(operation.responses).flatMap(([status, { content = {} }]) =>
      Object.keys(content).map((type) => ({
        name: `${id}, ${status} ${type}`,
        content: content[type],
        steps: ['paths', path, method, 'responses', status, 'content', type, 'schema'],
      })),
    ),
  ]);

  test.each(contents.filter(({ content }) => content?.example !== undefined))(
    'of $name is what its schema says',
    ({ content, steps }) => {
      expect(STRICT.complaints(steps, content?.example)).toEqual([]);
    },
  );

  test.each(Object.entries(DOCUMENT.components.examples))(
    'of the error %s is an error',
    (code, { value }) => {
      const [schema, named] = /^anthropic\./.test(code)
        ? ['AnthropicError', { details: { error_code: code.replace('anthropic.', '') } }]
        : ['Error', { code }];
      expect(STRICT.complaints(['components', 'schemas', schema], value)).toEqual([]);
      expect(value).toMatchObject({ error: named });
    },
  );

  test.each([
    { name: 'a member too few', change: { id: undefined } },
    { name: 'a member too many', change: { more: 1 } },
    { name: 'another type', change: { created_at: '2026-01-31' } },
    { name: 'a word that is none of them', change: { status: 'odd' } },
  ])('the control: of a key with $name it is not', ({ change }) => {
    const key = DOCUMENT.paths['/admin/keys/{key}']?.['get']?.responses['200']?.content?.['application/json'];
    const changed = JSON.parse(JSON.stringify({ ...Object(key?.example), ...change }));
    expect(STRICT.complaints(['components', 'schemas', 'Key'], changed)).toHaveLength(1);
    const isMore = Object.hasOwn(change, 'more');
    const open = openapiSchemas(DOCUMENT).complaints(['components', 'schemas', 'Key'], changed);
    expect(open).toHaveLength(isMore ? 0 : 1);
  });
});

describe('a real answer', () => {
  let secret: string;
  let values: Record<string, string>;

  beforeAll(async () => {
    const issued = await proxy.issue();
    secret = issued.secret;
    const request = await proxy.chat(secret);
    await request.text();
    await proxy.settled();
    const backup = await ask('/admin/backups', 'POST', ADMIN_TOKEN);
    const [approved, rejected, looked, claimed] = await Promise.all([apply(), apply(), apply(), apply()]);
    await ask(`/admin/applications/${claimed.id}/approve`, 'POST', ADMIN_TOKEN, '{}');
    values = {
      '/admin/applications/{id}/approve': approved.id,
      '/admin/applications/{id}/reject': rejected.id,
      '/v1/applications/status': looked.claim_token,
      '/v1/applications/claim': claimed.claim_token,
      key: issued.key.id,
      '/admin/requests/{id}': request.headers.get('x-request-id') ?? '',
      '/admin/backups/{id}/drill': ((await backup.json()) as { id: string }).id,
      '/v1/models/{id}': 'demo',
    };
  });

  // What is deleted is no longer there for the others.
  const inOrder = [...OPERATIONS].sort(
    (a, b) => Number(a.method === 'delete') - Number(b.method === 'delete'),
  );
  test.each(inOrder)('to $id is as the document says', async ({ path, method, operation }) => {
    const token = operation.tags[0] === 'client' ? secret : ADMIN_TOKEN;
    const filled = path.replace(/\{(\w+)\}/, (_, name: string) => values[name] ?? values[path] ?? name);
    const example = JSON.stringify(operation.requestBody?.content['application/json']?.example);
    const body = example
      ?.replaceAll('01a212c5-98d2-704d-8df6-c54d94e6340d', values['key'] ?? '')
      .replace(/claim-\w+/, values[path] ?? '');
    const reply = await ask(filled, method.toUpperCase(), token, body);
    const type = (reply.headers.get('content-type') ?? '').replace(/;.*$/, '');
    const documented = operation.responses[reply.status];
    const text = await reply.text();
    expect(reply.status, text).toBeLessThan(300);
    expect(Object.keys(documented?.content ?? {})).toContain(type);
    expect(reply.headers.has('x-request-id')).toBe(documented?.headers?.['x-request-id'] !== undefined);
    const steps = ['paths', path, method, 'responses', String(reply.status), 'content', type, 'schema'];
    const value = type === 'application/json' ? JSON.parse(text) : text;
    const isDocument = path === '/openapi.json';
    expect(isDocument ? [] : STRICT.complaints(steps, value)).toEqual([]);
  });

  test('to a claim before the decision is one of the answers', async () => {
    const { claim_token } = await apply();
    const reply = await ask('/v1/applications/claim', 'POST', '', JSON.stringify({ claim_token }));
    const steps = ['responses', '200', 'content', 'application/json', 'schema'];
    expect(reply.status).toBe(200);
    const claim = ['paths', '/v1/applications/claim', 'post', ...steps];
    expect(STRICT.complaints(claim, await reply.json())).toEqual([]);
  });

  test('to the report of usage as a file is one of the formats', async () => {
    const reply = await ask('/admin/usage?format=csv', 'GET', ADMIN_TOKEN);
    expect(reply.headers.get('content-type')).toMatch(/^text\/csv/);
    const formats = DOCUMENT.paths['/admin/usage']?.['get']?.responses['200']?.content ?? {};
    expect(Object.keys(formats)).toEqual(['application/json', 'text/csv']);
  });

  test.each(OPERATIONS.filter(({ operation }) => operation.security.length > 0))(
    'to $id without a credential is an error of the document',
    async ({ path, method, operation }) => {
      const reply = await proxy.fetch(path.replace(/\{\w+\}/, 'some'), { method: method.toUpperCase() });
      const value = (await reply.json()) as WireErrorBody;
      const status = String(reply.status);
      const steps = ['paths', path, method, 'responses', status, 'content', 'application/json', 'schema'];
      expect(STRICT.complaints(steps, value)).toEqual([]);
      const code = value.error.code ?? value.error.details?.error_code ?? '';
      const example = operation.responses[status]?.content?.['application/json']?.examples?.[code];
      const documented = DOCUMENT.components.examples[example?.$ref.split('/').at(-1) ?? ''];
      expect(documented?.value).toMatchObject({ error: { type: value.error.type } });
    },
  );

  test.each(ENDPOINTS)(
    'to $path that is malformed has no header which the document does not',
    async ({ path }) => {
      const issued = await proxy.issue({ requestsPerMinute: 5 });
      const reply = await ask(path, 'POST', issued.secret, '{');
      const own = [...reply.headers.keys()].filter((name) => /^(x-|ratelimit)/.test(name));
      const documented = DOCUMENT.paths[path]?.['post']?.responses[String(reply.status)]?.headers ?? {};
      expect(Object.keys(documented)).toEqual(expect.arrayContaining(own));
      expect(own).toContain('x-ratelimit-remaining-requests');
    },
  );

  /** What an applicant is given. */
  async function apply(): Promise<{ id: string; claim_token: string }> {
    const reply = await ask('/v1/applications', 'POST', '', '{"name":"Ada"}');
    return (await reply.json()) as { id: string; claim_token: string };
  }

  function ask(path: string, method: string, token: string, body?: string): Promise<Response> {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    return proxy.fetch(path, { method, headers, ...(body !== undefined && { body }) });
  }
});

/** An error of ours, as OpenAI's clients read it or as Anthropic's do. */
interface WireErrorBody {
  readonly error: {
    readonly type: string;
    readonly code?: string;
    readonly details?: { readonly error_code: string };
  };
}

/** The errors of an operation, as `401 authentication_error key_disabled`. */
function errorsIn({ responses }: Operation): string[] {
  return Object.entries(responses).flatMap(([status, { content }]) =>
    Object.keys(content?.['application/json']?.examples ?? {}).map((code) => {
      const value = DOCUMENT.components.examples[code]?.value as { error: { type: string } } | undefined;
      return `${status} ${value?.error.type} ${code}`;
    }),
  );
}

function copy() {
  return JSON.parse(JSON.stringify(DOCUMENT));
}
