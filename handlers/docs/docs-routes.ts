import { ENDPOINTS } from '#core/endpoints.ts';
import { contract } from '../admin/contract.ts';
import type { Language } from '../preferred-language.ts';
import { preferredLanguage } from '../preferred-language.ts';
import type { Exchange, Route } from '../route.ts';
import type { Services } from '../services.ts';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';

/** Nothing from elsewhere, nothing inline, in no frame. */
const POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS = {
  'cache-control': 'public, max-age=300',
  'content-security-policy': POLICY,
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** `GET /openapi.json`, and the same to read at `/docs`. Loaded and made when they are first asked for. */
export function docsRoutes({ policy }: Pick<Services, 'policy'>): readonly Route[] {
  const document = once(async () => {
    const { openapiDocument } = await import('../openapi/openapi-document.ts');
    return openapiDocument({ version: policy.version, endpoints: ENDPOINTS, contract });
  });
  const json = once(async () => JSON.stringify(await document()));
  const pageIn = async (language: Language) => {
    const { docsPage } = await import('./docs-page.ts');
    return docsPage(await document(), language);
  };
  const pages = { en: once(() => pageIn('en')), 'zh-CN': once(() => pageIn('zh-CN')) };
  const page = async (language: Language, exchange: Exchange, headers: Record<string, string> = {}) =>
    answer(await pages[language](), 'text/html; charset=utf-8', exchange, headers);
  return [
    get('/openapi.json', async (exchange) => answer(await json(), 'application/json', exchange)),
    get('/docs', (exchange) => {
      const language = preferredLanguage(exchange.request.headers.get('accept-language'));
      return page(language, exchange, { vary: 'accept-language' });
    }),
    get('/docs/en', (exchange) => page('en', exchange)),
    get('/docs/zh-CN', (exchange) => page('zh-CN', exchange)),
    get('/docs/style.css', (exchange) => answer(STYLE, 'text/css; charset=utf-8', exchange)),
    get('/docs/script.js', (exchange) => answer(SCRIPT, 'text/javascript; charset=utf-8', exchange)),
  ];
}

function get(path: string, handle: (exchange: Exchange) => Response | Promise<Response>): Route {
  return { method: 'GET', path, access: 'public', handle };
}

function answer(
  text: string,
  contentType: string,
  { requestId }: Exchange,
  headers: Record<string, string> = {},
): Response {
  return new Response(text, {
    headers: { ...HEADERS, ...headers, 'content-type': contentType, 'x-request-id': requestId },
  });
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
