import { createHash } from 'node:crypto';
import type { decide } from '#core/decide.ts';
import type { RequestId } from '#core/model.ts';
import { formSecret, hintOf, SECRET_RANDOM_BYTES } from '#core/secret.ts';
import { type Calendar, calendarOf, type Window } from '#core/window.ts';
import { idOf } from '#test/conformance/specimens.ts';
import { keyWith } from '#test/fakes/accounts.ts';
import { type Chance, chanceOf } from './chance.ts';
import { naiveLedger } from './naive-ledger.ts';
import { administer, ask, send, someQuotas } from './simulated-clients.ts';
import { memoryDisk, sqliteDisk } from './simulated-disk.ts';
import { type ProcessParts, startProcess } from './simulated-process.ts';
import { simulatedUpstream } from './simulated-upstream.ts';
import { virtualTime } from './virtual-time.ts';
import type { World } from './world.ts';

/** What is to be simulated. */
export interface Scenario {
  readonly seed: number;
  /** Where databases may be made and removed; `null`: the ledger is in memory. */
  readonly folder: string | null;
  /** Faults that are planted, to see that they are found. */
  readonly planted?: {
    readonly decideBy?: typeof decide;
    /** The store's. */
    readonly calendar?: Calendar;
    readonly lies?: boolean;
  };
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
    folder === null
      ? memoryDisk(planted.calendar ?? calendar, planted.decideBy)
      : sqliteDisk(calendar, `${folder}/${seed}`);
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
      if (!isNew && !naive.isPaidFor(id))
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
