import { Script } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { ENDPOINTS } from '#core/endpoints.ts';
import { POLICY } from '#test/fakes/policy.ts';
import { contract } from '../admin/contract.ts';
import type { OpenapiDocument } from '../openapi/openapi-document.ts';
import { openapiDocument } from '../openapi/openapi-document.ts';
import type { Language } from '../preferred-language.ts';
import { CHINESE_ERRORS } from './chinese-errors.ts';
import { CHINESE_FIELDS } from './chinese-fields.ts';
import { docsPage } from './docs-page.ts';
import { docsRoutes } from './docs-routes.ts';
import { SCRIPT } from './script.ts';

const DOCUMENT = openapiDocument({ version: '1.2.3', endpoints: ENDPOINTS, contract });
const HOSTILE = `<img src=x onerror="alert(1)"> ' & \``;

test.each<Language>(['en', 'zh-CN'])('%s: all of the document is there', async (language) => {
  const page = await docsPage(DOCUMENT, language);
  expect(page).toContain(`<html lang="${language}">`);
  const ids = Object.values(DOCUMENT.paths).flatMap((methods) =>
    Object.values(methods).map(({ operationId }) => operationId),
  );
  expect(ids.length).toBeGreaterThan(25);
  for (const id of ids) expect(page.split(`<article id="${id}"`), id).toHaveLength(2);
  for (const id of ids) expect(page, id).toContain(`<a href="#${id}"><span`);
  expect(page.match(/curl -s /g)).toHaveLength(ids.length);
  for (const code of Object.keys(DOCUMENT.components.examples))
    expect(page).toContain(`<code>${code.replace('anthropic.', '')}</code>`);
  for (const name of ['Idempotency-Key', 'items[].quotas[].resets_at', 'x-ratelimit-remaining-requests'])
    expect(page).toContain(`<code>${name}</code>`);
});

test('the Chinese page says in Chinese all that the document says, and nothing that it does not say', async () => {
  const page = await docsPage(DOCUMENT, 'zh-CN');
  expect(page.match(/<span lang="en">.*?<\/span>/g) ?? []).toEqual([]);
  const texts = textsIn(DOCUMENT);
  const translated = [...Object.keys(CHINESE_FIELDS), ...Object.keys(CHINESE_ERRORS)];
  expect(translated.filter((text) => !texts.has(text))).toEqual([]);
  for (const text of [...Object.values(CHINESE_FIELDS), ...Object.values(CHINESE_ERRORS)])
    expect(text).not.toMatch(/[\u4e00-\u9fff](?:[A-Za-z0-9`]|[,;:.!?])|[A-Za-z0-9`][\u4e00-\u9fff]/);
});

describe('the policy that it is served with can be kept', () => {
  test.each<Language>(['en', 'zh-CN'])('%s: nothing inline, nothing from elsewhere', async (language) => {
    const page = await docsPage(DOCUMENT, language);
    const tags = page.match(/<[a-z][^>]*>/g) ?? [];
    expect(tags.filter((tag) => / (style|on[a-z]+)=/.test(tag))).toEqual([]);
    expect(tags.filter((tag) => tag.startsWith('<style'))).toEqual([]);
    expect(page.match(/<script[^>]*>[^<]*<\/script>/g)).toEqual([
      '<script src="/docs/script.js" defer></script>',
    ]);
    const loaded = tags.flatMap((tag) => [...tag.matchAll(/ (?:src|href)="([^"]*)"/g)].map(([, to]) => to));
    expect(loaded.filter((to) => !/^(#|\/docs\/|\/openapi\.json$)/.test(to ?? ''))).toEqual([]);
  });

  test('it lets nothing else in', async () => {
    const [, docs] = docsRoutes({ policy: POLICY });
    if (docs?.access !== 'public') throw new Error('it is not public');
    const reply = await docs.handle({ ...EXCHANGE, request: new Request('http://proxy.test/docs') });
    const said = reply.headers.get('content-security-policy')?.split('; ');
    expect(said).toEqual([
      "default-src 'none'",
      "style-src 'self'",
      "script-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ]);
    expect(reply.headers.get('x-content-type-options')).toBe('nosniff');
  });
});

test.each<Language>(['en', 'zh-CN'])('%s: whatever the document says, it is text', async (language) => {
  const page = await docsPage(hostile(DOCUMENT) as OpenapiDocument, language);
  expect(page).toContain('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;');
  expect(page).not.toContain('<img');
  const tags = page.match(/<[a-z](?:[^>"]|"[^"]*")*>/g) ?? [];
  expect(tags.filter((tag) => / onerror=/.test(tag.replaceAll(/"[^"]*"/g, '')))).toEqual([]);
});

test('the script is one', () => {
  expect(() => new Script(SCRIPT)).not.toThrow();
});

const EXCHANGE = {
  ...{ requestId: 'r', startedMs: 0, trace: null, params: {} },
  ...{ env: { address: '127.0.0.1', ready: true }, ctx: { waitUntil: () => {} } },
};

/** Every text anywhere in the document. */
function textsIn(value: unknown): Set<unknown> {
  if (typeof value !== 'object' || value === null) return new Set([value]);
  return new Set(Object.values(value).flatMap((each) => [...textsIn(each)]));
}

/** Every text of the document that a person wrote, with what must not become markup; references stay. */
function hostile(value: unknown, name = ''): unknown {
  if (typeof value === 'string')
    return /^(\$ref|type|in|url|operationId|format)$/.test(name) ? value : value + HOSTILE;
  if (Array.isArray(value)) return value.map((each) => hostile(each, name === 'tags' ? 'type' : name));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([member, each]) => [
      member,
      hostile(each, member === 'name' ? 'type' : member),
    ]),
  );
}
