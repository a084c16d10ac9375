import type { LedgerEntry } from '#core/ledger-entry.ts';
import type {
  Account,
  Amount,
  Buckets,
  Instant,
  KeyId,
  Meter,
  Period,
  Quota,
  RequestId,
  Sponsor,
} from '#core/model.ts';
import { METERS, NOTHING, type PERIODS } from '#core/model.ts';

/** One request as a line in a list: no counter anywhere, and no window but by the name that people give it. */
interface Line {
  readonly keyId: KeyId;
  readonly held: Amount;
  readonly windows: Readonly<Record<Period, string>>;
  used: Amount;
  isOpen: boolean;
  /** Ended before its key was reset. */
  isForgotten: boolean;
}

/** What the ledger must amount to, added up by somebody who knows nothing of accounts. */
export interface NaiveLedger {
  /** Takes the next entry, decided on under these terms. @throws Error if it must never have been written */
  take(entry: LedgerEntry, terms: Terms): void;
  /** @throws Error if an account is not what its lines add up to */
  compare(accounts: readonly Account[], sponsor: Sponsor): void;
  /** Open, or charged: a clock that is set ahead may lapse a request before it is sent, at its full amount. */
  isPaidFor(id: RequestId): boolean;
  isReserved(id: RequestId): boolean;
  open(): readonly RequestId[];
}

export interface Terms {
  readonly ofKey: readonly Quota[];
  readonly ofSponsor: readonly Quota[];
  /** Whether the upstream did, or may have done, what this request asked for. */
  mayHaveServed(id: RequestId): boolean;
}

export function naiveLedger(timeZone: string): NaiveLedger {
  const lines = new Map<RequestId, Line>();
  const nameOf = windowNames(timeZone);
  let latestAt = 0;

  function reserve(
    { requestId, keyId, at, reservation }: Extract<LedgerEntry, { kind: 'reserved' }>,
    terms: Terms,
  ) {
    if (lines.has(requestId)) throw new Error(`${requestId} is reserved twice`);
    if (at < latestAt) throw new Error(`${requestId} is reserved before the one before it`);
    latestAt = at;
    const windows = nameOf(at);
    lines.set(requestId, {
      keyId,
      held: reservation.amount,
      windows,
      used: NOTHING,
      isOpen: true,
      isForgotten: false,
    });
    refuseExcess(terms.ofKey, ownOf(lines, keyId), windows);
    refuseExcess(terms.ofSponsor, [...lines.values()], windows);
  }

  function end(entry: Extract<LedgerEntry, { kind: 'settled' | 'released' | 'lapsed' }>, terms: Terms): void {
    const line = lines.get(entry.requestId);
    if (line?.isOpen !== true || line.keyId !== entry.keyId)
      throw new Error(`${entry.requestId} is ${entry.kind}, and was not open`);
    line.isOpen = false;
    if (entry.kind === 'released') {
      if (terms.mayHaveServed(entry.requestId))
        throw new Error(`${entry.requestId} was served, and costs nothing`);
      return;
    }
    line.used = entry.used;
    refuseBeyond(line, entry, terms);
  }

  return {
    take(entry, terms) {
      if (entry.kind === 'reserved') reserve(entry, terms);
      else if (entry.kind === 'reset') {
        for (const line of ownOf(lines, entry.keyId)) line.isForgotten = !line.isOpen;
      } else if (entry.kind !== 'imported') end(entry, terms);
    },
    compare(accounts, sponsor) {
      for (const account of accounts)
        compareBuckets(account.key.label, account.buckets, ownOf(lines, account.key.id), nameOf);
      compareBuckets('the sponsor', sponsor.buckets, [...lines.values()], nameOf);
    },
    isPaidFor(id) {
      const line = lines.get(id);
      return line !== undefined && (line.isOpen || line.used.requests > 0);
    },
    isReserved: (id) => lines.has(id),
    open: () => [...lines].filter(([, { isOpen }]) => isOpen).map(([id]) => id),
  };
}

function sumOf(chosen: readonly Line[], meter: Meter): number {
  return chosen.reduce((sum, { isOpen, used, held }) => sum + (isOpen ? held : used)[meter], 0);
}

function refuseExcess(quotas: readonly Quota[], own: readonly Line[], windows: Line['windows']): void {
  for (const { meter, period, limit } of quotas) {
    const total = sumOf(
      own.filter((line) => line.windows[period] === windows[period]),
      meter,
    );
    if (total > limit)
      throw new Error(`${total} ${meter} in the ${period} ${windows[period]}, where ${limit} are allowed`);
  }
}

/** What it costs more than it held must be on record, wherever a quota asks. */
function refuseBeyond(
  line: Line,
  entry: Extract<LedgerEntry, { kind: 'settled' | 'lapsed' }>,
  terms: Terms,
): void {
  const overdraft = entry.kind === 'settled' ? entry.overdraft : NOTHING;
  for (const { meter } of [...terms.ofKey, ...terms.ofSponsor]) {
    const beyond = entry.used[meter] - line.held[meter] - overdraft[meter];
    if (beyond > 0)
      throw new Error(
        `${entry.requestId} cost ${beyond} ${meter} more than it held, and that is no overdraft`,
      );
  }
}

function compareBuckets(
  holder: string,
  buckets: Buckets,
  own: readonly Line[],
  nameOf: ReturnType<typeof windowNames>,
): void {
  for (const { period, startsAt, used, held } of buckets) {
    const inside = own.filter((line) => line.windows[period] === nameOf(startsAt)[period]);
    for (const meter of METERS) {
      const [ended, open] = [
        sumOf(
          inside.filter(({ isOpen }) => !isOpen),
          meter,
        ),
        sumOf(
          inside.filter(({ isOpen }) => isOpen),
          meter,
        ),
      ];
      if (used[meter] !== ended || held[meter] !== open)
        throw new Error(
          `${holder}, ${period}: ${used[meter]} ${meter} used and ${held[meter]} held, where ${ended} and ${open} are right`,
        );
    }
  }
}

function ownOf(lines: ReadonlyMap<RequestId, Line>, keyId: KeyId): readonly Line[] {
  return [...lines.values()].filter((line) => line.keyId === keyId && !line.isForgotten);
}

/** `2026-11-24`, `2026-11`, … in the zone; minutes and hours are those of UTC. */
function windowNames(timeZone: string): (at: Instant) => Record<Period, string> {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' });
  const known = new Map<Instant, Record<Period, string>>();
  return (at) => {
    const found = known.get(at);
    if (found !== undefined) return found;
    const [day, utc] = [format.format(at), new Date(at).toISOString()];
    const names = {
      minute: utc.slice(0, 16),
      hour: utc.slice(0, 13),
      day,
      month: day.slice(0, 7),
      total: 'ever',
    };
    known.set(at, names satisfies Record<(typeof PERIODS)[number], string>);
    return names;
  };
}
