import { type Language, preferredLanguage } from '../preferred-language.ts';
import type { Exchange, Route } from '../route.ts';
import { APPLY_SCRIPT } from './page/apply-script.ts';
import { CLAIM_SCRIPT } from './page/claim-script.ts';
import { applyHtml, claimHtml } from './page/page-html.ts';
import { PAGE_SCRIPT } from './page/page-script.ts';
import { PAGE_STYLE } from './page/page-style.ts';

/** https://www.w3.org/TR/CSP3/: nothing but what is listed, nothing inline, and nothing of anybody else. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'x-robots-tag': 'noindex',
} as const;

const FILES = [
  { name: 'page.css', type: 'text/css', text: PAGE_STYLE },
  { name: 'page.js', type: 'text/javascript', text: PAGE_SCRIPT },
  { name: 'apply.js', type: 'text/javascript', text: APPLY_SCRIPT },
  { name: 'claim.js', type: 'text/javascript', text: CLAIM_SCRIPT },
] as const;

/** The pages for people, and what they are made of. All of it is text in the program: there are no files to find. */
export function pageRoutes(): readonly Route[] {
  return [
    page('/apply', applyHtml),
    page('/claim', claimHtml),
    ...FILES.map(({ name, type, text }) => get(`/apply/${name}`, () => reply(text, type, 'no-cache'))),
  ];
}

function page(path: string, html: (language: Language) => string): Route {
  return get(path, ({ request }) => {
    const language = preferredLanguage(request.headers.get('accept-language'));
    const response = reply(html(language), 'text/html', 'no-store');
    response.headers.set('content-language', language);
    response.headers.set('vary', 'accept-language');
    return response;
  });
}

function get(path: string, handle: (exchange: Exchange) => Response): Route {
  return { method: 'GET', path, access: 'public', handle };
}

function reply(text: string, type: string, caching: string): Response {
  const headers = { ...HEADERS, 'content-type': `${type}; charset=utf-8`, 'cache-control': caching };
  return new Response(text, { headers });
}
