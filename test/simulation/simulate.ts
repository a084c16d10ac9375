import { createHash } from 'node:crypto';
import type { decide } from '#core/decide.ts';
import type { ApiKey, Quota, RequestId } from '#core/model.ts';
import { METERS, PERIODS } from '#core/model.ts';
import { formSecret, hintOf, SECRET_RANDOM_BYTES } from '#core/secret.ts';
import { type Calendar, calendarOf, type Window } from '#core/window.ts';
import { idOf } from '#test/conformance/specimens.ts';
import { keyWith } from '#test/fakes/accounts.ts';
import { type Chance, chanceOf } from './chance.ts';
import { type NaiveLedger, naiveLedger, type Terms } from './naive-ledger.ts';
import { memoryDisk, type SimulatedDisk, sqliteDisk } from './simulated-disk.ts';
import {
  ADMIN_TOKEN,
  type DiskMood,
  type ProcessParts,
  type SimulatedProcess,
  startProcess,
} from './simulated-process.ts';
import { simulatedUpstream } from './simulated-upstream.ts';
import { type VirtualTime, virtualTime } from './virtual-time.ts';

/** What is to be simulated. */
export interface Scenario {
  readonly seed: number;
  /** Where databases may be made and removed; `null`: the ledger is in memory. */
  readonly folder: string | null;
  /** Faults that are planted, to see that they are found. */
  readonly planted?: { readonly decideBy?: typeof decide; readonly lies?: boolean };
}

/** What came to pass. */
export interface Life {
  readonly entries: number;
  readonly answers: number;
  readonly days: number;
}

const STEPS = 45;
/** Of the event loop, until nothing is left that waits for none of our timers. */
const TURNS = 3;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** In each of them clocks are changed, or never, at another time of the day, and not by the same. */
const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kolkata',
  'America/Havana',
  'Australia/Lord_Howe',
] as const;
const CALENDARS = new Map(ZONES.map((zone) => [zone, calendarOf(zone)]));

/** Days before clocks are changed somewhere, and before a month and a year end. */
const STARTS = ['2026-03-05', '2026-03-26', '2026-10-22', '2026-10-29', '2026-12-28'] as const;

interface World {
  readonly chance: Chance;
  readonly time: VirtualTime;
  readonly disk: SimulatedDisk;
  readonly naive: NaiveLedger;
  readonly keys: readonly { readonly key: ApiKey; readonly secret: string }[];
  readonly parts: Omit<ProcessParts, 'store'>;
  readonly terms: Omit<Terms, 'ofKey' | 'ofSponsor'>;
  process: SimulatedProcess;
  mood: DiskMood;
  /** What the bodies of requests say, and their ids. */
  readonly asked: Map<string, RequestId>;
  readonly failures: string[];
  entries: number;
  answers: number;
  lastId: number;
}

/**
 * A few weeks of a proxy, of which the seed says everything. After each event the ledger is compared with what it must
 * amount to. @throws Error that says what is wrong
 */
export async function simulate({ seed, folder, planted = {} }: Scenario): Promise<Life> {
  const chance = chanceOf(seed);
  const zone = chance.one(ZONES);
  const calendar = remembering(CALENDARS.get(zone) ?? calendarOf(zone));
  const startsAt = Date.parse(chance.one(STARTS)) + chance.between(0, DAY);
  const time = virtualTime(startsAt);
  const disk =
    folder === null ? memoryDisk(calendar, planted.decideBy) : sqliteDisk(calendar, `${folder}/${seed}`);
  const world = makeWorld({ chance, time, disk, calendar, zone, lies: planted.lies === true });
  return time.during(async () => {
    try {
      await beginKeys(world);
      for (let step = 0; step < STEPS; step += 1) await live(world);
      await end(world);
      return { entries: world.entries, answers: world.answers, days: (time.now() - startsAt) / DAY };
    } finally {
      world.process.kill();
      disk.remove();
    }
  });
}

type Made = Pick<World, 'chance' | 'time' | 'disk'> &
  Pick<ProcessParts, 'calendar' | 'lies'> & { readonly zone: string };

function makeWorld({ chance, time, disk, calendar, zone, lies }: Made): World {
  const naive = naiveLedger(zone);
  const served = new Set<RequestId>();
  const asked = new Map<string, RequestId>();
  const failures: string[] = [];
  const upstream = simulatedUpstream({
    time,
    chance,
    asked(content) {
      const id = asked.get(content) ?? 'none';
      const isNew = disk
        .entriesAfter(world.entries)
        .some((entry) => entry.kind === 'reserved' && entry.requestId === id);
      if (!isNew && !naive.isOpen(id))
        failures.push(`the upstream was asked for ${id}, which is not reserved`);
      return id;
    },
    served: (id) => void served.add(id),
  });
  const parts = {
    upstream,
    time,
    chance,
    calendar,
    lies,
    mood: () => world.mood,
    nextId: () => (world.lastId += 1),
  };
  const world: World = {
    ...{ chance, time, disk, naive, asked, failures, parts },
    keys: [1, 2, 3].map((n) => keyFor(n, chance, time.now())),
    terms: { mayHaveServed: (id) => served.has(id) },
    process: startProcess({ ...parts, store: disk.open() }),
    ...{ mood: 'well', entries: 0, answers: 0, lastId: 0 },
  };
  return world;
}

function keyFor(n: number, chance: Chance, now: number) {
  const bytes = Uint8Array.from({ length: SECRET_RANDOM_BYTES }, () => chance.between(0, 255));
  const secret = formSecret('sk-', bytes);
  const digest = createHash('sha256').update(secret).digest('hex');
  const own = { id: idOf('key', n), digest, hint: hintOf(secret), label: `key ${n}` };
  return { secret, key: keyWith({ ...own, createdAt: now, quotasSetAt: now, quotas: someQuotas(chance) }) };
}

function someQuotas(chance: Chance): readonly Quota[] {
  return Array.from({ length: chance.between(0, 3) }, () => {
    const meter = chance.one(METERS);
    const limit = chance.between(0, meter === 'requests' ? 25 : 4_000);
    return { meter, period: chance.one(PERIODS), limit };
  });
}

async function beginKeys({ process, keys, chance, time }: World): Promise<void> {
  for (const { key } of keys) await process.store.keys.add(key, null);
  await process.store.keys.setSponsorQuotas(someQuotas(chance), time.now(), null);
}

const HAPPENINGS = {
  ask: 40,
  burst: 8,
  wait: 14,
  jump: 2,
  disk: 5,
  kill: 2,
  expire: 5,
  watch: 3,
  admin: 8,
  look: 2,
};

/** The next thing that happens, and what follows from it. */
async function live(world: World): Promise<void> {
  const { chance, time } = world;
  switch (chance.weighed(HAPPENINGS)) {
    case 'ask':
      void ask(world);
      break;
    case 'burst':
      for (let left = chance.between(2, 6); left > 0; left -= 1) void ask(world);
      break;
    case 'wait':
      await time.pass(chance.between(0, chance.one([60_000, HOUR, DAY, 20 * DAY])), () => check(world));
      break;
    case 'jump':
      time.jump(chance.one([HOUR, -HOUR, chance.between(-2 * HOUR, 2 * HOUR)]));
      break;
    case 'disk':
      world.mood = world.mood === 'well' ? chance.one(['full', 'doubtful']) : 'well';
      break;
    case 'kill':
      world.process.kill();
      world.process = startProcess({ ...world.parts, store: world.disk.open() });
      break;
    case 'expire':
      void world.process.app.scheduled({ kind: 'expire', at: time.now() });
      break;
    case 'watch':
      void world.process.app.scheduled({ kind: 'watch', at: time.now() });
      break;
    case 'admin':
      void administer(world);
      break;
    case 'look':
      void send(world, 'GET', '/v1/quota', chance.one([0, 1, 2]));
  }
  await check(world);
  await time.pass(chance.between(0, chance.one([3, 50, 5_000])), () => check(world));
}

/** Nobody asks any more: the disk gets well, what is under way ends, and what nobody ends lapses. */
async function end(world: World): Promise<void> {
  const { time, naive, disk } = world;
  world.mood = 'well';
  for (let hours = 0; hours < 3; hours += 1) {
    await time.pass(2 * HOUR, () => check(world));
    void world.process.app.scheduled({ kind: 'expire', at: time.now() });
    await check(world);
  }
  await time.pass(HOUR, () => check(world));
  if (naive.open().length > 0) throw new Error(`still open: ${naive.open().join()}`);
  const [problem] = disk.problems();
  if (problem !== undefined) throw new Error(`the doctor says: ${problem}`);
}

async function send(
  { process, keys }: World,
  method: string,
  path: string,
  key: number,
  body?: object,
): Promise<Response> {
  const isAdmin = path.startsWith('/admin');
  const text = JSON.stringify(body);
  const headers = {
    authorization: `Bearer ${isAdmin ? ADMIN_TOKEN : keys[key]?.secret}`,
    ...(body === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': String(text.length) }),
  };
  const request = new Request(`http://proxy${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: text }),
  });
  return process.app.fetch(request, { address: '203.0.113.7', ready: true }, process.ctx);
}

/** A client: asks, reads what comes, and may lose its patience. */
async function ask(world: World): Promise<void> {
  const { chance, asked, naive, process, failures } = world;
  const content = `question ${asked.size}`;
  const stream = chance.happens(0.4);
  const body = {
    model: 'm',
    messages: [{ role: 'user', content }],
    stream,
    ...(chance.happens(0.6) ? { max_tokens: chance.between(16, 50) } : {}),
    ...(chance.happens(0.2) ? { n: 2 } : {}),
  };
  const chunksMax = chance.happens(0.3) ? chance.between(0, 5) : Number.POSITIVE_INFINITY;
  const answer = send(world, 'POST', '/v1/chat/completions', chance.between(0, 2), body);
  const id = idOf('request', world.lastId);
  asked.set(content, id);
  const reply = await answer;
  if (!process.isAlive()) return;
  world.answers += 1;
  if (reply.status === 200 && !naive.isReserved(id)) failures.push(`${id} was answered, and is in no ledger`);
  if (reply.status === 500 && (await reply.clone().text()).includes('internal_error')) {
    failures.push(`${id} met an error of ours`);
  }
  const reader = reply.body?.getReader();
  for (let chunks = 0; chunks < chunksMax; chunks += 1) if ((await reader?.read())?.done !== false) return;
  await reader?.cancel();
}

async function administer(world: World): Promise<void> {
  const { chance, keys } = world;
  const key = chance.between(0, 2);
  const id = keys[key]?.key.id ?? '';
  switch (chance.weighed({ quotas: 4, sponsor: 2, disabled: 2, reset: 1 })) {
    case 'quotas':
      return void (await send(world, 'PATCH', `/admin/keys/${id}`, key, { quotas: someQuotas(chance) }));
    case 'sponsor':
      return void (await send(world, 'PUT', '/admin/sponsor', key, { quotas: someQuotas(chance) }));
    case 'disabled':
      return void (await send(world, 'PATCH', `/admin/keys/${id}`, key, { disabled: chance.happens(0.3) }));
    case 'reset':
      return void (await send(world, 'POST', '/admin/usage/reset', key, { key: id }));
  }
}

/** The same calendar, for questions that are asked again and again. */
function remembering(calendar: Calendar): Calendar {
  const known = new Map<string, Window>();
  return {
    ...calendar,
    windowOf(period, at) {
      const name = `${period} ${at}`;
      const window = known.get(name) ?? calendar.windowOf(period, at);
      known.set(name, window);
      return window;
    },
  };
}

/** Lets everything happen that waits for nothing but its turn, and looks at the ledger where that has grown. */
async function check(world: World): Promise<void> {
  for (let turns = 0; turns < TURNS; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  const { naive, process, keys, failures, disk, terms } = world;
  const [failure] = failures;
  if (failure !== undefined) throw new Error(failure);
  const entries = disk.entriesAfter(world.entries);
  if (entries.length === 0) return;
  const { store } = process;
  const found = await Promise.all(keys.map(({ key }) => store.keys.account({ id: key.id })));
  const accounts = found.filter((account) => account !== undefined);
  const sponsor = await store.keys.sponsor();
  for (const entry of entries) {
    const ofKey = accounts.find(({ key }) => key.id === entry.keyId)?.key.quotas ?? [];
    naive.take(entry, { ...terms, ofKey, ofSponsor: sponsor.quotas });
  }
  world.entries += entries.length;
  naive.compare(accounts, sponsor);
}
