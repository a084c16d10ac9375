import type {
  Application,
  ApplicationChange,
  ApplicationId,
  ApplicationQuery,
  ApplicationRef,
  ForgetOrder,
  NewKey,
  Verdict,
} from '#core/applications.ts';
import type { Command, ResultOf } from '#core/command.ts';
import type { KeptReply, Recording } from '#core/kept-reply.ts';
import type { KeyAmendment, KeyQuery, KeyRef } from '#core/key-registry.ts';
import type { Removal, RemovalOrder } from '#core/ledger-retention.ts';
import type { Account, ApiKey, Digest, Instant, KeyId, Quota, RequestId, Sponsor } from '#core/model.ts';
import type { Operation, OperationDraft } from '#core/operation.ts';
import type { PastUse } from '#core/past-use.ts';
import type { ChainReport, LapsedReservation, OperationQuery, Page, StoreStatus } from '#core/ports.ts';
import type { Receipt, ReceiptQuery, UsageQuery } from '#core/reports.ts';
import type { Rotation } from '#core/rotate.ts';
import type { BackupState, Lineage, Mark, NewRows } from '#core/snapshot.ts';
import type { Part } from './gather.ts';
import type { RefusalKind } from './store-refused.ts';
import type { UsagePart } from './usage-report.ts';

/** What the writer's thread can be asked for. Arguments and results cross as JSON. */
export interface Methods {
  execute(command: Command): ResultOf<Command>;
  lapsed(at: Instant, limit: number): readonly LapsedReservation[];
  addKey(key: ApiKey, operation: OperationDraft | null): void;
  bringIn(key: ApiKey, history: readonly PastUse[], at: Instant, operation: OperationDraft | null): boolean;
  amendKey(id: KeyId, amendment: KeyAmendment, operation: OperationDraft | null): ApiKey | undefined;
  rotateKey(id: KeyId, rotation: Rotation, operation: OperationDraft | null): ApiKey | undefined;
  findReply(digest: Digest, at: Instant): KeptReply | undefined;
  registryVersion(): number;
  record(recording: Recording): boolean;
  forgetReplies(at: Instant): void;
  account(ref: KeyRef): Account | undefined;
  scanKeys(query: KeyQuery): Part<Account, KeyId>;
  sponsor(): Sponsor;
  setSponsorQuotas(quotas: readonly Quota[], at: Instant, operation: OperationDraft | null): Sponsor;
  addApplication(application: Application, pendingMax: number): boolean;
  application(ref: ApplicationRef): Application | undefined;
  listApplications(query: ApplicationQuery): Page<Application>;
  pendingApplications(at: Instant): number;
  decideApplication(
    id: ApplicationId,
    verdict: Verdict,
    operation: OperationDraft | null,
  ): ApplicationChange | undefined;
  claimApplication(
    id: ApplicationId,
    key: NewKey,
    at: Instant,
    operation: OperationDraft | null,
  ): ApplicationChange | undefined;
  forgetApplications(order: ForgetOrder): ApplicationId | null;
  appendOperation(operation: OperationDraft): void;
  scanOperations(query: OperationQuery): Part<Operation, number>;
  verifyOperations(): ChainReport;
  /** Writes back a part of what reports need, and says whether more than another such part is left. */
  writeBack(): boolean;
  scanUsage(query: UsageQuery, beforeDay: string | null): UsagePart;
  receipt(id: RequestId): Receipt | undefined;
  scanReceipts(query: ReceiptQuery, beforeN: number | null): Part<Receipt, number>;
  daysInUse(at: Instant, count: number): readonly Instant[];
  removeEntries(order: RemovalOrder): Removal;
  lineage(): Lineage;
  mark(): Mark;
  rowsAfter(mark: Mark, rowsMax: number): NewRows | undefined;
  backupState(location: string): BackupState | undefined;
  rememberBackup(location: string, state: BackupState): void;
  check(): void;
  status(): StoreStatus;
  close(): void;
}

export type Method = keyof Methods;

/** One call: a method's name and its arguments. */
export type Call = { [M in Method]: readonly [M, ...Parameters<Methods[M]>] }[Method];

/** What became of a call. */
export type Answer =
  | { readonly kind: 'done'; readonly value?: unknown }
  | { readonly kind: 'refused'; readonly message: string; readonly refusal: RefusalKind }
  | { readonly kind: 'unavailable' | 'failed'; readonly message: string };
