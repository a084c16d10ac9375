import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ProxyUnderTest } from '#test/fakes/proxy.ts';
import { openProxy } from '#test/fakes/proxy.ts';
import { completion, sendJson } from '#test/fakes/upstream-server.ts';
import { PAGE_TEXT } from './page/page-text.ts';

let proxy: ProxyUnderTest;
beforeAll(async () => {
  proxy = await openProxy({
    behaviour: (_, response) => sendJson(response, completion(1, 1)),
    policy: { applications: { perHour: 5, pendingMax: 9 } },
  });
});
afterAll(() => proxy.close());

const LANGUAGES = ['en', 'zh-CN'] as const;
const PAGES = ['/apply', '/claim'].flatMap((path) => LANGUAGES.map((language) => ({ path, language })));

describe.each(PAGES)('$path in $language', ({ path, language }) => {
  let response: Response;
  let html: string;
  beforeAll(async () => {
    response = await proxy.fetch(path, { headers: { 'accept-language': language } });
    html = await response.text();
  });

  test('is a page in that language that no cache mixes up', () => {
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('content-language')).toBe(language);
    expect(response.headers.get('vary')).toBe('accept-language');
    expect(html).toContain(`<html lang="${language}">`);
    expect(html).toContain(PAGE_TEXT[language][path === '/apply' ? 'applyTitle' : 'claimTitle']);
  });

  test('may load and ask nothing but what is here, and has nothing inline', () => {
    expect(response.headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(html).not.toMatch(/<style|<script(?![^>]*\ssrc=")|\s(style|on\w+)=|javascript:|https?:/i);
  });

  test('what it loads is there', async () => {
    const named = [...html.matchAll(/(?:src|href)="(apply\/[^"]+)"/g)].map(([, name]) => name);
    expect(named).toHaveLength(2);
    for (const name of named) {
      const file = await proxy.fetch(`/${name}`);
      expect(file.status).toBe(200);
      expect(file.headers.get('content-type')).toMatch(/^text\/(css|javascript); charset=utf-8$/);
      expect(await file.text()).not.toMatch(/https?:/);
    }
  });
});
