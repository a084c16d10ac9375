import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Browser, BrowserPage } from '#test/fakes/browser.ts';
import { openBrowser } from '#test/fakes/browser.ts';
import type { ServerProcess } from '#test/fakes/server-process.ts';
import { startServer } from '#test/fakes/server-process.ts';
import type { UpstreamServer } from '#test/fakes/upstream-server.ts';
import { completion, sendJson, startUpstreamServer } from '#test/fakes/upstream-server.ts';

let directory: string;
let upstream: UpstreamServer;
let server: ServerProcess;
let browser: Browser;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pages-'));
  upstream = await startUpstreamServer((_call, response) => sendJson(response, completion(1, 1)));
  const env = { APPLICATIONS: 'on', LOG_LEVEL: 'trace', APPLICATIONS_PER_HOUR: '9' };
  server = await startServer({ directory, upstreamUrl: upstream.baseUrl, env });
  browser = await openBrowser();
});

afterAll(async () => {
  await browser.close();
  await server.kill9();
  await upstream.close();
  await rm(directory, { recursive: true });
});

const shows = (page: BrowserPage, state: string) =>
  page.until(
    `[...document.querySelectorAll('[data-state]')].filter((each) => each.checkVisibility()).map((each) => each.dataset.state).join() === '${state}'`,
  );
const press = (page: BrowserPage, selector: string) =>
  page.read(`document.querySelector('${selector}').click()`);
const textOf = async (page: BrowserPage, id: string) =>
  String(await page.read(`document.getElementById('${id}').innerText`));

async function apply(page: BrowserPage, reason: string): Promise<string> {
  await page.goto(`${server.baseUrl}/apply`);
  await page.read(`document.querySelector('[name=name]').value = '<b>Ada</b>'`);
  await page.read(`document.querySelector('[name=reason]').value = ${JSON.stringify(reason)}`);
  await press(page, '#form button');
  await shows(page, 'sent');
  return textOf(page, 'link');
}

test('S11: in a browser, from the form to the key; the token is in no address, and nothing foreign is asked', async () => {
  const page = await browser.open({ width: 390, height: 844 });
  const link = await apply(page, ' one line \n\n and another ');
  const [, token = ''] = /#(claim-\w{39})$/.exec(link) ?? [];
  expect(token).not.toBe('');
  const [application] = (await server.admin.applications.list()).items;
  expect(application).toMatchObject({
    name: '<b>Ada</b>',
    reason: 'one line and another',
    status: 'pending',
  });
  const id = application?.id ?? '';

  await page.goto(link);
  await shows(page, 'pending');
  const quotas = [{ meter: 'requests', period: 'day', limit: 1200 } as const];
  await server.admin.applications.approve({ params: { id }, body: { quotas, models: ['demo'] } });
  await press(page, '[data-state=pending] [data-do=look]');
  await shows(page, 'approved');
  expect(await textOf(page, 'terms')).toMatch(/1,200 requests a day.*demo.*for 30 days/s);
  // What a chat program does for a preview, and what a curious person does.
  expect((await fetch(link)).status).toBe(200);
  await page.goto(`${server.baseUrl}/apply`);
  await page.goto(link);
  await shows(page, 'approved');
  expect((await server.admin.keys.list()).items).toEqual([]);

  await press(page, '[data-do=claim]');
  await shows(page, 'key');
  const key = await textOf(page, 'key');
  expect((await server.chat(key)).status).toBe(200);
  expect(await textOf(page, 'base')).toBe(`${server.baseUrl}/v1`);
  expect(await textOf(page, 'curl')).toContain(`Bearer ${key}`);
  expect(await page.read('document.documentElement.scrollWidth <= innerWidth')).toBe(true);

  const other = await browser.open({ language: 'zh-CN', dark: true });
  await other.goto(link);
  await shows(other, 'again');
  expect(await other.read('document.body.innerText')).toContain('密钥已被领取');
  await press(other, '[data-state=again] [data-do=claim]');
  await shows(other, 'key');
  expect(await textOf(other, 'key')).toBe(key);

  expect([...page.problems, ...other.problems]).toEqual([]);
  const addresses = [...page.asked, ...other.asked].map((asked) => String(JSON.parse(asked).url));
  expect(addresses.filter((url) => url.endsWith('/v1/applications/claim'))).toHaveLength(2);
  expect(addresses.filter((url) => !url.startsWith(`${server.baseUrl}/`) && url !== 'data:,')).toEqual([]);
  for (const secret of [token, key]) {
    expect(addresses.filter((url) => url.includes(secret))).toEqual([]);
    expect(server.written()).not.toContain(secret);
  }
});

test('where the answer to a claim is lost, the page says so, and the next press shows the key', async () => {
  const page = await browser.open({ language: 'zh-CN' });
  const link = await apply(page, '');
  const [application] = (await server.admin.applications.list()).items;
  await server.admin.applications.approve({ params: { id: application?.id ?? '' } });
  await page.goto(link);
  await shows(page, 'approved');
  // The line breaks after the answer was written, and only this once.
  await page.read(`(() => {
    const real = fetch;
    window.fetch = async (...asked) => { await real(...asked); window.fetch = real; throw new TypeError('broken'); };
  })()`);
  await press(page, '[data-state=approved] [data-do=claim]');
  await shows(page, 'unsure');
  const made = (await server.admin.keys.list()).items.length;
  await press(page, '[data-state=unsure] [data-do=claim]');
  await shows(page, 'key');
  expect((await server.chat(await textOf(page, 'key'))).status).toBe(200);
  expect((await server.admin.keys.list()).items).toHaveLength(made);
  expect(page.problems).toEqual([]);
});

test('a keyboard and a screen reader are taken along from state to state, and told what is wrong', async () => {
  const page = await browser.open({ language: 'zh-CN' });
  const focused = () => page.read(`document.activeElement.closest('[data-state]')?.dataset.state ?? 'none'`);
  const say = (name: string) =>
    page.read(`{ document.querySelector('[name=name]').value = ${JSON.stringify(name)}; }`);
  await page.goto(`${server.baseUrl}/apply`);
  await say('   ');
  await press(page, '#form button');
  expect(await page.read(`document.querySelector('[name=name]').validity.patternMismatch`)).toBe(true);
  await say('x\u202eda');
  await press(page, '#form button');
  await page.until(`document.querySelector('#wrong[role=alert]').checkVisibility()`);
  expect(await textOf(page, 'wrong')).toContain('不可见字符');
  const link = await apply(page, '');
  expect(await focused()).toBe('sent');
  await press(page, '[data-copy=link]');
  await page.until(`document.querySelector('.said[role=status]').textContent !== ''`);
  await page.goto(link);
  await shows(page, 'pending');
  expect(await focused()).toBe('pending');
  // Names that nothing shares, for whoever hears them alone.
  const names = `[...document.querySelectorAll('[data-copy]')].map((each) => each.getAttribute('aria-label'))`;
  expect(await page.read(names)).toEqual(['复制 API 密钥', '复制 Base URL（接口地址）', '复制 curl']);
  const unnamed = `[...document.querySelectorAll('input, textarea')].filter((each) => each.labels.length === 0).length`;
  expect(await page.read(unnamed)).toBe(0);
});

test('a rejection with its reason, a link that is none, and a form that is used too often', async () => {
  const page = await browser.open();
  const link = await apply(page, '');
  const [application] = (await server.admin.applications.list()).items;
  await server.admin.applications.reject({
    params: { id: application?.id ?? '' },
    body: { reason: '<i>no</i>' },
  });
  await page.goto(link);
  await shows(page, 'rejected');
  expect(await textOf(page, 'reason')).toBe('<i>no</i>');
  await page.goto(`${server.baseUrl}/claim`);
  await shows(page, 'none');
  await page.read(`document.querySelector('[name=link]').value = '${link.slice(0, -1)}'`);
  await press(page, '[data-state=none] .paste button');
  await shows(page, 'unknown');
  // There it can be pasted once more, whole.
  await page.read(`document.querySelector('[data-state=unknown] [name=link]').value = '${link}'`);
  await press(page, '[data-state=unknown] .paste button');
  await shows(page, 'rejected');
  const body = JSON.stringify({ name: 'x' });
  const more = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
  await expect
    .poll(async () => (await fetch(`${server.baseUrl}/v1/applications`, more)).status, { interval: 1 })
    .toBe(429);
  await page.goto(`${server.baseUrl}/apply`);
  await page.read(`document.querySelector('[name=name]').value = 'x'`);
  await press(page, '#form button');
  await shows(page, 'busy');
  expect(page.problems).toEqual([]);
});

test('the control: what is inline or from elsewhere does not run', async () => {
  const page = await browser.open();
  await page.goto(`${server.baseUrl}/claim`);
  const insert = (html: string) =>
    page.read(`document.body.insertAdjacentHTML('beforeend', ${JSON.stringify(html)})`);
  const elsewhere = upstream.baseUrl.replace('/v1', '/x.png');
  await insert(`<img src="${elsewhere}" onerror="window.ran = true"><p style="color: red">x</p>`);
  await page.read(
    `(() => { const script = document.createElement('script'); script.textContent = 'window.ran = true'; document.body.append(script); })()`,
  );
  await page.until(`document.querySelector('p[style]').style.color === ''`);
  expect(await page.read('window.ran === undefined')).toBe(true);
  expect(page.problems.length).toBeGreaterThan(1);
  expect(upstream.seen.map(({ url }) => url)).not.toContain('/x.png');
});
