import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
/** Far beyond what a busy machine takes; only a page that never gets there does. */
const WAIT_MS_MAX = 20_000;
const PAUSE_MS = 20;

/** A real browser without a window, spoken to by its own protocol (https://chromedevtools.github.io/devtools-protocol). */
export interface Browser {
  open(options?: PageOptions): Promise<BrowserPage>;
  close(): Promise<void>;
}

export interface PageOptions {
  readonly width?: number;
  readonly height?: number;
  readonly dark?: boolean;
  readonly language?: string;
}

export interface BrowserPage {
  goto(url: string): Promise<void>;
  /** What an expression comes to, as JSON. */
  read(expression: string): Promise<unknown>;
  /** Resolves when an expression is true. @throws Error with what the page says if it never is */
  until(expression: string): Promise<void>;
  /** A picture, PNG. */
  picture(): Promise<Buffer>;
  /** Everything that was asked of any server so far. */
  readonly asked: readonly string[];
  /** What the page's policy refused, and what a script threw. */
  readonly problems: readonly string[];
}

type Params = Readonly<Record<string, unknown>>;

/** @throws Error if there is no Chromium */
export async function openBrowser(): Promise<Browser> {
  const program = CHROMIUM.find((path) => existsSync(path));
  if (program === undefined) throw new Error('there is no Chromium: apt-get install chromium');
  const profile = mkdtempSync(join(tmpdir(), 'browser-'));
  const flags = [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--no-first-run',
  ];
  const own = ['--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'];
  const child = spawn(program, [...flags, ...own], { stdio: ['ignore', 'ignore', 'pipe'] });
  const socket = new WebSocket(await addressOf(child));
  await once(socket, 'open');
  const line = lineOver(socket);
  return {
    open: (options = {}) => openPage(line, options),
    async close() {
      const closed = once(child, 'close');
      await line.send('Browser.close', {});
      await closed;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}

async function addressOf(child: ChildProcess): Promise<string> {
  let written = '';
  child.stderr?.on('data', (bytes: Buffer) => (written += bytes.toString()));
  for (let waitedMs = 0; waitedMs < WAIT_MS_MAX && child.exitCode === null; waitedMs += PAUSE_MS) {
    const [, address] = /^DevTools listening on (ws:\S+)$/m.exec(written) ?? [];
    if (address !== undefined) return address;
    await sleep(PAUSE_MS);
  }
  child.kill('SIGKILL');
  throw new Error(`the browser did not start: ${written}`);
}

interface Line {
  // biome-ignore lint/suspicious/noExplicitAny: the protocol has its own types, and a test knows what it asks for
  send(method: string, params: Params, sessionId?: string): Promise<any>;
  listen(sessionId: string, hear: (method: string, params: Params) => void): void;
}

function lineOver(socket: WebSocket): Line {
  let last = 0;
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const ears = new Map<string, (method: string, params: Params) => void>();
  socket.addEventListener('message', ({ data }) => {
    const { id, result, error, method, params, sessionId } = JSON.parse(String(data));
    if (id === undefined) return ears.get(sessionId)?.(method, params);
    const asked = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) asked?.resolve(result);
    else asked?.reject(new Error(error.message));
  });
  return {
    send(method, params, sessionId) {
      last += 1;
      const answer = Promise.withResolvers<unknown>();
      waiting.set(last, answer);
      socket.send(JSON.stringify({ id: last, method, params, sessionId }));
      return answer.promise;
    },
    listen: (sessionId, hear) => void ears.set(sessionId, hear),
  };
}

async function openPage(
  line: Line,
  { width = 1280, height = 900, dark = false, language = 'en' }: PageOptions,
) {
  const { browserContextId } = await line.send('Target.createBrowserContext', {});
  const { targetId } = await line.send('Target.createTarget', { url: 'about:blank', browserContextId });
  const { sessionId } = await line.send('Target.attachToTarget', { targetId, flatten: true });
  const send = (method: string, params: Params = {}) => line.send(method, params, sessionId);
  const asked: string[] = [];
  const problems: string[] = [];
  line.listen(sessionId, (method, params) => note(method, params, asked, problems));
  for (const domain of ['Page', 'Network', 'Runtime', 'Log']) await send(`${domain}.enable`);
  await send('Network.setExtraHTTPHeaders', { headers: { 'Accept-Language': language } });
  await send('Emulation.setDeviceMetricsOverride', {
    width,
    height,
    deviceScaleFactor: 1,
    mobile: width < 500,
  });
  const value = dark ? 'dark' : 'light';
  await send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value }] });
  const read = async (expression: string) => {
    const said = await send('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true });
    if (said.exceptionDetails !== undefined) throw new Error(`${expression}: ${said.result?.description}`);
    return said.result.value as unknown;
  };
  const until = async (expression: string) => {
    for (let waitedMs = 0; waitedMs < WAIT_MS_MAX; waitedMs += PAUSE_MS) {
      if ((await read(expression)) === true) return;
      await sleep(PAUSE_MS);
    }
    throw new Error(`never so: ${expression}; the page says: ${await read('document.body.innerText')}`);
  };
  return {
    asked,
    problems,
    read,
    until,
    async goto(url: string) {
      await send('Page.navigate', { url });
      await until(`document.readyState === 'complete' && location.href === ${JSON.stringify(url)}`);
    },
    async picture() {
      const { data } = await send('Page.captureScreenshot', { captureBeyondViewport: true });
      return Buffer.from(data, 'base64');
    },
  };
}

function note(method: string, params: Params, asked: string[], problems: string[]): void {
  const text = JSON.stringify(params);
  if (method === 'Network.requestWillBeSent') asked.push(JSON.stringify(params['request']));
  if (method === 'Runtime.exceptionThrown') problems.push(text);
  if (method === 'Log.entryAdded' && text.includes('"source":"security"')) problems.push(text);
}
