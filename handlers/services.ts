import type { Applications } from '#core/applications.ts';
import type { KeptReplies } from '#core/kept-reply.ts';
import type { KeyRegistry } from '#core/key-registry.ts';
import type { LedgerRetention } from '#core/ledger-retention.ts';
import type { Metrics } from '#core/metrics.ts';
import type { Observer } from '#core/observer.ts';
import type { Clock, Ids, Ledger, OperationLog, Secrets, StoreHealth } from '#core/ports.ts';
import type { PriceBook } from '#core/price.ts';
import type { UsageReports } from '#core/reports.ts';
import type { Tracer } from '#core/tracing.ts';
import type { Webhook } from '#core/webhook.ts';
import type { Calendar } from '#core/window.ts';
import type { AccessWatch } from './access/watch-access.ts';
import type { Backups } from './backup/backups.ts';
import type { Guards } from './guards.ts';
import type { RoutedUpstream } from './proxy/routed-upstream.ts';
import type { Troubles } from './troubles.ts';

/** Everything that handlers may touch. Each handler asks for the part that it does touch. */
export interface Services {
  readonly ledger: Ledger;
  readonly keys: KeyRegistry;
  readonly applications: Applications;
  readonly reports: UsageReports;
  readonly operations: OperationLog;
  readonly replies: KeptReplies;
  readonly retention: LedgerRetention;
  readonly health: StoreHealth;
  readonly upstream: RoutedUpstream;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly secrets: Secrets;
  readonly observer: Observer;
  readonly metrics: Metrics;
  readonly troubles: Troubles;
  /** `null`: nothing is traced. */
  readonly tracer: Tracer | null;
  readonly calendar: Calendar;
  readonly policy: Policy;
  readonly prices: PriceBook;
  readonly access: AccessWatch;
  /** `null`: there is none. */
  readonly webhook: Webhook | null;
  readonly guards: Guards;
  /** `null`: none are made. */
  readonly backups: Backups | null;
}

/** What the operator configured, as far as handlers obey it. */
export interface Policy {
  readonly version: string;
  /** Whether each upstream is asked for its models at the start, and while it is in trouble. */
  readonly upstreamCheck: boolean;
  /** At least one; each is accepted. */
  readonly adminTokens: readonly string[];
  /** Each opens the metrics and nothing else; there may be none. */
  readonly metricsTokens: readonly string[];
  /** The addresses and ranges where an admin token is good for anything; `null`: everywhere. */
  readonly adminAddresses: readonly string[] | null;
  /** Origins whose pages may call the client API from a browser; `*` is all of them. */
  readonly corsOrigins: readonly string[];
  readonly keyPrefix: string;
  /** Days until a new key expires; 0 is never. */
  readonly keyExpiryDays: number;
  /** The day quota of requests of a new key; 0 is none. */
  readonly dailyRequestLimit: number;
  /** For keys without a rate of their own; 0 is no rate limit. */
  readonly requestsPerMinute: number;
  readonly operationLog: boolean;
  /** `null`: nobody can apply for a key. */
  readonly applications: ApplicationPolicy | null;
  /** How many days after its end an application is kept; 0 is for ever. */
  readonly applicationsDays: number;
  /** How many days the ledger keeps at least what was recorded; 0 is for ever. */
  readonly ledgerDays: number;
  readonly bodyBytesMax: number;
  /** The longest that one exchange with the upstream may last; its reservation lapses a little later. */
  readonly exchangeMsMax: number;
  /** Things that the operator should know and that `GET /admin/status` lists. */
  readonly warnings: readonly string[];
}

/** How many may apply for a key. */
export interface ApplicationPolicy {
  /** From one address. */
  readonly perHour: number;
  /** Waiting for a decision at once; 0: nobody more. */
  readonly pendingMax: number;
}
