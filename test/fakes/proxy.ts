import { randomBytes } from 'node:crypto';
import { openMetrics } from '#adapters/prometheus/open-metrics.ts';
import { secretsUnder } from '#adapters/system/secrets-under.ts';
import { systemIds } from '#adapters/system/system-ids.ts';
import type { OpenUpstream } from '#adapters/upstream/open-upstream.ts';
import { openUpstream } from '#adapters/upstream/open-upstream.ts';
import { BREAKER_RULE } from '#core/breaker.ts';
import type { ApiKey, Instant, Quota } from '#core/model.ts';
import type { RequestEnded } from '#core/observer.ts';
import { observers } from '#core/observers.ts';
import type { Store } from '#core/ports.ts';
import type { PriceTable } from '#core/price.ts';
import { formSecret, hintOf, SECRET_RANDOM_BYTES } from '#core/secret.ts';
import { DIALECTS } from '#core/upstream.ts';
import type { UpstreamTerms } from '#core/upstreams.ts';
import { ONLY_UPSTREAM } from '#core/upstreams.ts';
import type { Calendar } from '#core/window.ts';
import { calendarOf } from '#core/window.ts';
import { tellNoticed } from '#handlers/access/tell-noticed.ts';
import { watchAccess } from '#handlers/access/watch-access.ts';
import { createApp } from '#handlers/app.ts';
import type { GuardLimits } from '#handlers/guards.ts';
import { createGuards } from '#handlers/guards.ts';
import { routedUpstream } from '#handlers/proxy/routed-upstream.ts';
import type { Policy, Services } from '#handlers/services.ts';
import { watchTroubles } from '#handlers/troubles.ts';
import { keyWith, NOON } from './accounts.ts';
import { openMemoryStore } from './memory-store.ts';
import { POLICY } from './policy.ts';
import type { Behaviour, UpstreamServer } from './upstream-server.ts';
import { startUpstreamServer } from './upstream-server.ts';

/** The proxy in this process: the real handlers, a real upstream connection, a store and a clock of the test's. */
export interface ProxyUnderTest {
  readonly services: Services;
  readonly store: Store;
  /** The first of them. */
  readonly upstream: UpstreamServer;
  readonly upstreams: readonly UpstreamServer[];
  readonly log: RequestEnded[];
  readonly warnings: { readonly message: string; readonly fields: Readonly<Record<string, unknown>> }[];
  readonly failures: { readonly message: string; readonly error: unknown }[];
  /** `aheadMs`: how far the clock that is never set is ahead of the real one. */
  clock: { now: Instant; aheadMs: number };
  /** A request as the platform would hand it over; the address is 127.0.0.1 unless said otherwise. */
  fetch(path: string, init?: RequestInit & { address?: string }): Promise<Response>;
  /** A chat completion with a key. */
  chat(secret: string, body?: object, headers?: Record<string, string>): Promise<Response>;
  /** Registers a key and returns its secret. */
  issue(changes?: Partial<ApiKey>): Promise<{ secret: string; key: ApiKey }>;
  limitSponsor(quotas: readonly Quota[]): Promise<void>;
  /** Resolves when everything given to `waitUntil` so far is done. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** One of several upstreams; what is not said of it is as of a single one. */
export interface GivenBehaviour extends Partial<UpstreamTerms> {
  readonly behaviour: Behaviour;
  /** In the place of its real address, where that is only shown. */
  readonly shownAs?: string;
  readonly headersTimeoutMs?: number;
}

export interface ProxyOptions {
  readonly behaviour: Behaviour;
  /** In the place of the single one that behaves so. */
  readonly upstreams?: readonly GivenBehaviour[];
  readonly policy?: Partial<Policy>;
  readonly prices?: PriceTable | null;
  /** The reference store unless said otherwise. */
  readonly openStore?: (calendar: Calendar) => Promise<Store> | Store;
  readonly backups?: Services['backups'];
  readonly tracer?: Services['tracer'];
  readonly webhook?: Services['webhook'];
  /** Nothing is guarded unless said otherwise. */
  readonly guards?: Partial<GuardLimits>;
}

export async function openProxy(options: ProxyOptions): Promise<ProxyUnderTest> {
  const { behaviour, policy = {}, prices = null, openStore, guards = {} } = options;
  const { backups = null, tracer = null, webhook = null } = options;
  const upstreams = await Promise.all((options.upstreams ?? [{ behaviour }]).map(startUpstream));
  const calendar = calendarOf('UTC');
  const store = await (openStore?.(calendar) ?? openMemoryStore({ calendar }));
  const clock = { now: NOON, aheadMs: 0 };
  const { observer: memory, log, failures, warnings } = rememberingObserver();
  const metrics = openMetrics();
  const time = { now: () => clock.now, elapsedMs: () => performance.now() + clock.aheadMs };
  const access = watchAccess({
    ...{ ...store, clock: time, calendar, limits: ABNORMAL },
    tell: tellNoticed({ observer: memory, metrics, webhook }),
  });
  const observer = observers([memory, metrics, access]);
  const troubles = watchTroubles({ clock: time, observer });
  const services: Services = {
    ...store,
    upstream: routedUpstream(upstreams, { clock: time, troubles, draw: Math.random }),
    clock: time,
    ids: systemIds,
    secrets: secretsUnder(randomBytes(32)),
    observer,
    metrics,
    troubles,
    ...{ tracer, webhook, calendar },
    policy: { ...POLICY, ...policy },
    prices: { table: () => prices },
    access,
    guards: createGuards({ ...NO_GUARDS, ...guards }),
    backups,
  };
  const app = createApp(services);
  const { ctx, settled } = keptAlive();
  const fetch: ProxyUnderTest['fetch'] = async (path, { address = '127.0.0.1', ...init } = {}) => {
    const request = new Request(`http://proxy.test${path}`, { ...init, headers: withLength(init) });
    return app.fetch(request, { address, ready: true }, ctx);
  };

  return {
    services,
    store,
    upstream: (upstreams[0] as StartedUpstream).server,
    upstreams: upstreams.map(({ server }) => server),
    log,
    failures,
    ...{ warnings, clock, fetch, settled },
    chat: (...call) => fetch('/v1/chat/completions', chatCall(...call)),
    issue: (changes = {}) => issue(services, changes),
    async limitSponsor(quotas) {
      await store.keys.setSponsorQuotas(quotas, clock.now, null);
    },
    async close() {
      services.upstream.stop();
      await closeAll(upstreams.map(({ connection }) => connection));
      await settled();
      await closeAll([store, ...upstreams.map(({ server }) => server)]);
    },
  };
}

async function closeAll(open: readonly { close(): Promise<void> }[]): Promise<void> {
  await Promise.all(open.map((each) => each.close()));
}

interface StartedUpstream {
  readonly server: UpstreamServer;
  readonly connection: OpenUpstream;
  readonly terms: UpstreamTerms;
}

async function startUpstream({
  behaviour,
  shownAs,
  headersTimeoutMs = LIMITS.headersTimeoutMs,
  ...terms
}: GivenBehaviour): Promise<StartedUpstream> {
  const server = await startUpstreamServer(behaviour);
  const { baseUrl } = server;
  const connection = openUpstream({ ...LIMITS, headersTimeoutMs, baseUrl });
  return { server, connection, terms: { ...TERMS, baseUrl: shownAs ?? baseUrl, ...terms } };
}

const TERMS = {
  ...{ name: ONLY_UPSTREAM, models: null, dialects: DIALECTS, weight: 1, priority: 0 },
  ...{ maxConcurrency: null, queueLengthMax: 100, queueWaitMsMax: 30_000, breaker: BREAKER_RULE },
  settings: { baseUrl: 'UPSTREAM_BASE_URL', apiKey: 'UPSTREAM_API_KEY' },
};

function chatCall(secret: string, body: object = {}, headers: Record<string, string> = {}): RequestInit {
  const sent = { model: 'demo', messages: [{ role: 'user', content: 'Hi' }], ...body };
  return {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(sent),
  };
}

/** A platform's context, and a promise that all that was given to it so far is done. */
function keptAlive() {
  const waiting: Promise<unknown>[] = [];
  const ctx = { waitUntil: (work: Promise<unknown>) => void waiting.push(work) };
  const settled = async () => {
    while (waiting.length > 0) await Promise.all(waiting.splice(0));
  };
  return { ctx, settled };
}

async function issue({ clock, ids, keys, secrets }: Services, changes: Partial<ApiKey>) {
  const secret = formSecret('sk-', randomBytes(SECRET_RANDOM_BYTES));
  const made = { id: ids.next(), digest: secrets.digest(secret), hint: hintOf(secret) };
  const key = keyWith({ ...made, createdAt: clock.now(), quotasSetAt: clock.now(), ...changes });
  await keys.add(key, null);
  return { secret, key };
}

function rememberingObserver() {
  const log: RequestEnded[] = [];
  const failures: ProxyUnderTest['failures'] = [];
  const warnings: ProxyUnderTest['warnings'] = [];
  const observer: Services['observer'] = {
    requestEnded: (event) => log.push(event),
    noticed: () => {},
    warned: (message, fields) => warnings.push({ message, fields }),
    failed: (message, error) => failures.push({ message, error }),
  };
  return { observer, log, failures, warnings };
}

const NO_GUARDS: GuardLimits = { authFailuresPerMinute: 0, bodiesBytesMax: Number.POSITIVE_INFINITY };

const ABNORMAL = { authFailuresMax: 5, addressesMax: 3, dayMultiple: 5 };

const LIMITS = {
  apiKey: 'sk-the-sponsors-own-key',
  userAgent: 'quota-proxy/test',
  connectTimeoutMs: 5_000,
  headersTimeoutMs: 10_000,
  silenceTimeoutMs: 10_000,
  exchangeMsMax: 60_000,
  answerBytesMax: 10_000_000,
};

/** A server is told the length of every body that has one. */
function withLength({ headers, body }: RequestInit): Headers {
  const result = new Headers(headers);
  if (typeof body === 'string') result.set('content-length', String(new TextEncoder().encode(body).length));
  return result;
}
