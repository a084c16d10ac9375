import { createHash } from 'node:crypto';
import { BREAKER_RULE } from '#core/breaker.ts';
import type { Command } from '#core/command.ts';
import { decide } from '#core/decide.ts';
import type { Ledger, Store } from '#core/ports.ts';
import { StoreUnavailable } from '#core/ports.ts';
import type { PriceTable } from '#core/price.ts';
import type { Upstream } from '#core/upstream.ts';
import { DIALECTS } from '#core/upstream.ts';
import type { UpstreamTerms } from '#core/upstreams.ts';
import { ONLY_UPSTREAM } from '#core/upstreams.ts';
import type { Calendar } from '#core/window.ts';
import { watchAccess } from '#handlers/access/watch-access.ts';
import { type App, createApp } from '#handlers/app.ts';
import { createGuards } from '#handlers/guards.ts';
import { routedUpstream } from '#handlers/proxy/routed-upstream.ts';
import type { Policy, Services } from '#handlers/services.ts';
import { watchTroubles } from '#handlers/troubles.ts';
import { idOf } from '#test/conformance/specimens.ts';
import { POLICY } from '#test/fakes/policy.ts';
import type { Chance } from './chance.ts';
import type { VirtualTime } from './virtual-time.ts';

export const ADMIN_TOKEN = 'an-admin-token-of-the-simulation-0123456';

/** How the disk is: whether commits succeed, fail, or may have succeeded although they are said to have failed. */
export type DiskMood = 'well' | 'full' | 'doubtful';

/** The handlers and a store, until the process is killed. */
export interface SimulatedProcess {
  readonly app: App;
  readonly store: Store;
  readonly ctx: { waitUntil(work: Promise<unknown>): void };
  /** From now on nothing that it does is seen by anybody, and nothing that it waits for comes. */
  kill(): void;
  isAlive(): boolean;
}

export interface ProcessParts {
  readonly store: Store;
  readonly upstream: Upstream;
  readonly time: VirtualTime;
  readonly chance: Chance;
  readonly calendar: Calendar;
  readonly mood: () => DiskMood;
  /** Counts through all processes: no two requests have the same id. */
  readonly nextId: () => number;
  /** Acknowledges what nothing was done for: for whoever wants to see that this is found out. */
  readonly lies: boolean;
}

export function startProcess(parts: ProcessParts): SimulatedProcess {
  const { time, calendar, nextId, upstream } = parts;
  let alive = true;
  const never = new Promise<never>(() => undefined);
  const store: Store = { ...parts.store, ledger: slowLedger(parts, () => (alive ? undefined : never)) };
  const observer = { requestEnded() {}, noticed() {}, warned() {}, failed() {} };
  const access = watchAccess({
    ...store,
    clock: time,
    calendar,
    limits: NEVER_ABNORMAL,
    tell: () => undefined,
  });
  const troubles = watchTroubles({ clock: time, observer });
  const send: Upstream['send'] = async (request) => {
    if (!alive) await never;
    return upstream.send(request);
  };
  const services: Services = {
    ...store,
    upstream: routedUpstream([{ terms: TERMS, connection: { send } }], {
      clock: time,
      troubles,
      draw: () => 0,
    }),
    clock: time,
    ids: { next: () => idOf('request', nextId()), random: (bytes) => new Uint8Array(bytes) },
    secrets: {
      digest: (secret) => createHash('sha256').update(secret).digest('hex'),
      isOneOf: (given, expected) => expected.includes(given),
      derive: (from, count) => createHash('sha256').update(from).digest().subarray(0, count),
      seal: (text) => text,
      unseal: (sealed) => sealed,
    },
    observer,
    metrics: { contentType: 'text/plain', text: async () => '', requestEnded() {}, noticed() {} },
    troubles,
    tracer: null,
    calendar,
    policy: SIMULATED,
    prices: { table: () => PRICES },
    access,
    webhook: null,
    guards: createGuards({ authFailuresPerMinute: 0, bodiesBytesMax: 1e9 }),
    backups: null,
  };
  return {
    app: createApp(services),
    store,
    ctx: { waitUntil: () => undefined },
    kill() {
      alive = false;
    },
    isAlive: () => alive,
  };
}

/** Each command waits for its commit, and its answer for its way back: others come between, and so may a kill. */
function slowLedger(
  { store, time, chance, calendar, mood, lies }: ProcessParts,
  dead: () => Promise<never> | undefined,
): Ledger {
  return {
    lapsed: (at, limit) => store.ledger.lapsed(at, limit),
    async execute(command) {
      await time.sleep(chance.between(0, 5));
      await dead();
      if (mood() === 'full' && !lies) throw new StoreUnavailable('the disk is full');
      if (mood() === 'full') return (await acknowledged(store, command, calendar)) as never;
      const isDoubtful = mood() === 'doubtful' && chance.happens(0.4);
      const result = await store.ledger.execute(command);
      await time.sleep(chance.between(0, 5));
      await dead();
      if (isDoubtful) throw new StoreUnavailable('the disk failed, and perhaps it did not');
      return result;
    },
  };
}

/** What would have been answered, had it been recorded. */
async function acknowledged({ keys }: Store, command: Command, calendar: Calendar) {
  const ref = command.kind === 'reserve' ? { digest: command.digest } : { id: command.keyId };
  return decide(await keys.account(ref), command, calendar).result;
}

const NEVER_ABNORMAL = { authFailuresMax: 1e9, addressesMax: 1e9, dayMultiple: 1e9 };

const PRICES: PriceTable = {
  version: 'simulated',
  currency: 'USD',
  models: new Map([
    [
      'm',
      {
        ...{ input: 1e6, cachedInput: 1e5, cacheWrite: 1e6 },
        ...{ output: 2e6, reasoning: 2e6, request: 1, outputTokensMax: 60 },
      },
    ],
  ]),
};

const TERMS: UpstreamTerms = {
  ...{ name: ONLY_UPSTREAM, baseUrl: 'http://upstream.simulated/v1', models: null },
  ...{ dialects: DIALECTS, weight: 1, priority: 0 },
  ...{ maxConcurrency: null, queueLengthMax: 100, queueWaitMsMax: 30_000, breaker: BREAKER_RULE },
  settings: { baseUrl: 'UPSTREAM_BASE_URL', apiKey: 'UPSTREAM_API_KEY' },
};

const SIMULATED: Policy = {
  ...POLICY,
  ...{ upstreamCheck: true, adminTokens: [ADMIN_TOKEN], metricsTokens: [] },
  ...{ keyExpiryDays: 0, dailyRequestLimit: 0, bodyBytesMax: 100_000, exchangeMsMax: 10 * 60_000 },
};
