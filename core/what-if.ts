import { apply, emptyBuckets, plus } from './apply.ts';
import type { Command, Reserve } from './command.ts';
import { decide } from './decide.ts';
import type { Denial } from './decision.ts';
import type {
  Account,
  Amount,
  ApiKey,
  Instant,
  KeyId,
  Quota,
  RequestId,
  Sponsor,
  UnitPrices,
} from './model.ts';
import { NOTHING } from './model.ts';
import type { Calendar } from './window.ts';

/** A request that was admitted and has ended, as its receipt tells of it. */
export interface PastRequest {
  readonly requestId: RequestId;
  readonly keyId: KeyId;
  readonly model: string;
  readonly madeAt: Instant;
  readonly endedAt: Instant;
  readonly reserved: Amount;
  /** Nothing for one that was released. */
  readonly used: Amount;
  readonly priced: boolean;
}

/** Limits to try out, in the place of all that were in force: the same for each key. */
export interface Proposal {
  readonly quotas: readonly Quota[];
  readonly sponsorQuotas: readonly Quota[];
  /** 0 is no rate limit. */
  readonly requestsPerMinute: number;
  readonly maxConcurrency: number | null;
}

/** What would have become of the requests of a key, or of a day. */
export interface Replayed {
  readonly requests: number;
  readonly refused: number;
  readonly firstRefusedAt: Instant | null;
  readonly reasons: Readonly<Partial<Record<Denial['kind'], number>>>;
  /** What was used, and what would have been. */
  readonly used: Amount;
  readonly wouldUse: Amount;
}

export interface WhatIf {
  readonly keys: ReadonlyMap<KeyId, Replayed>;
  /** By local day, `YYYY-MM-DD`, oldest first. */
  readonly days: ReadonlyMap<string, Replayed>;
  readonly total: Replayed;
}

/**
 * Replays requests against other limits, through the same `decide` that admits requests. All counts begin at zero.
 *
 * Of a request it is known what was reserved and what it used, and not what it could have done with less: it counts as
 * admitted if what it used fits, and its bound on output is clamped as a live one's is. That somebody who is refused
 * tries again is not in it.
 */
export function whatIf(requests: readonly PastRequest[], proposal: Proposal, calendar: Calendar): WhatIf {
  const accounts = new Map<KeyId, Account>();
  let sponsor = sponsorWith(proposal.sponsorQuotas);
  const [keys, days] = [new Map<string, Replayed>(), new Map<string, Replayed>()];
  let total = NONE;

  function perform(command: Command, keyId: KeyId): Denial | null {
    const account = { ...(accounts.get(keyId) ?? accountOf(keyId, proposal, sponsor)), sponsor };
    const { entries, result } = decide(account, command, calendar);
    const after = entries.reduce((before, entry) => apply(before, entry, calendar), account);
    accounts.set(keyId, after);
    sponsor = after.sponsor;
    return 'denial' in result ? result.denial : null;
  }

  const refused = new Set<RequestId>();
  for (const { request, begins } of inOrder(requests)) {
    const { requestId, keyId, madeAt } = request;
    if (!begins) {
      if (!refused.has(requestId)) perform(endOf(request), keyId);
      continue;
    }
    const denial = perform(reserveOf(request, proposal), keyId);
    if (denial !== null) refused.add(requestId);
    add(keys, keyId, request, denial);
    add(days, calendar.dayOf(madeAt), request, denial);
    total = counting(total, request, denial);
  }
  return { keys, days, total };
}

interface Moment {
  readonly at: Instant;
  readonly request: PastRequest;
  readonly begins: boolean;
}

/** Beginnings and ends as they happened. At one instant ends come first: they make room. */
function inOrder(requests: readonly PastRequest[]): readonly Moment[] {
  const moments = requests.flatMap((request): Moment[] => [
    { at: request.madeAt, request, begins: true },
    // One that ended in the millisecond in which it began ends after it.
    { at: Math.max(request.endedAt, request.madeAt + 1), request, begins: false },
  ]);
  return moments.sort((a, b) => a.at - b.at || Number(a.begins) - Number(b.begins));
}

/** Asks for what was reserved, of which all but what was used is output that could have been bounded. */
function reserveOf(request: PastRequest, { requestsPerMinute }: Proposal): Reserve {
  const { requestId, keyId, model, madeAt, reserved, used } = request;
  const output = Math.max(reserved.tokens - used.tokens, 0);
  return {
    kind: 'reserve',
    at: madeAt,
    requestId,
    digest: keyId,
    address: '',
    call: {
      ...{ endpoint: '', model, stream: false, choices: 1, modelOutputTokensMax: null, outputTokensMin: 0 },
      ...{ inputTokensMax: used.tokens, outputTokensMax: output },
    },
    prices: request.priced ? pricesThatCost(reserved, used, output) : null,
    requestsPerMinute,
    lapsesAt: Number.MAX_SAFE_INTEGER,
  };
}

/** Prices by which the request costs what it did, and its reservation, too. */
function pricesThatCost(reserved: Amount, used: Amount, outputTokens: number): UnitPrices {
  const spare = Math.max(reserved.cost - used.cost, 0);
  const output = outputTokens === 0 ? 0 : Math.ceil((spare * 1_000_000) / outputTokens);
  const free = { version: '', input: 0, cachedInput: 0, cacheWrite: 0 };
  return { ...free, output, reasoning: output, request: used.cost };
}

function endOf({ requestId, keyId, endedAt: at, used }: PastRequest): Command {
  const outcome = { status: 200, upstreamMs: null, durationMs: 0, upstream: null };
  const ending = { at, requestId, keyId, outcome };
  if (used.requests === 0) return { kind: 'release', ...ending };
  const usage = { prompt: used.tokens, completion: 0, cached: 0, cacheWritten: 0, reasoning: 0 };
  return { kind: 'settle', ...ending, usage };
}

const NONE: Replayed = {
  ...{ requests: 0, refused: 0, firstRefusedAt: null, reasons: {} },
  ...{ used: NOTHING, wouldUse: NOTHING },
};

function add(all: Map<string, Replayed>, name: string, request: PastRequest, denial: Denial | null): void {
  all.set(name, counting(all.get(name) ?? NONE, request, denial));
}

function counting(before: Replayed, { madeAt, used }: PastRequest, denial: Denial | null): Replayed {
  const { requests, refused, firstRefusedAt, reasons } = before;
  const counted = { ...before, requests: requests + 1, used: plus(before.used, used) };
  if (denial === null) return { ...counted, wouldUse: plus(before.wouldUse, used) };
  return {
    ...counted,
    refused: refused + 1,
    firstRefusedAt: firstRefusedAt ?? madeAt,
    reasons: { ...reasons, [denial.kind]: (reasons[denial.kind] ?? 0) + 1 },
  };
}

function sponsorWith(quotas: readonly Quota[]): Sponsor {
  return { quotas, quotasSetAt: 0, buckets: emptyBuckets(), latestAt: 0 };
}

/** A key that only the proposal limits. */
function accountOf(id: KeyId, { quotas, maxConcurrency }: Proposal, sponsor: Sponsor): Account {
  const key: ApiKey = {
    id,
    digest: id,
    previous: null,
    hint: '',
    label: '',
    createdAt: 0,
    expiresAt: null,
    disabled: false,
    deletedAt: null,
    quotas,
    quotasSetAt: 0,
    models: null,
    ips: null,
    requestsPerMinute: null,
    maxConcurrency,
    metadata: {},
  };
  return { key, buckets: emptyBuckets(), open: [], lastUsedAt: null, arrivalUs: 0, sponsor };
}
