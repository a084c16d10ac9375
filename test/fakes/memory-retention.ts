import { beginsWindows, endsRequest } from '#core/apply.ts';
import type { LedgerEntry } from '#core/ledger-entry.ts';
import type { LedgerRetention } from '#core/ledger-retention.ts';
import type { RequestId } from '#core/model.ts';
import type { StoreStatus } from '#core/ports.ts';
import type { Calendar } from '#core/window.ts';
import type { MemoryData } from './memory-store.ts';

/** The retention of the reference store: it forgets nothing, and does as if. */
export function memoryRetention(data: MemoryData, calendar: Calendar): LedgerRetention {
  return {
    async daysInUse(at, count) {
      const begun = data.entries
        .filter(beginsWindows)
        .map((entry) => calendar.windowOf('day', entry.at).startsAt);
      const days = [...new Set(begun)].filter((startsAt) => startsAt <= at);
      return days.sort((a, b) => b - a).slice(0, count);
    },
    async removeEntries({ before, throughN, entriesMax }) {
      const { entries, removedThrough } = data;
      const found = entries.slice(removedThrough, throughN ?? undefined).slice(0, entriesMax);
      const young = found.findIndex(({ at }) => at >= before);
      const taken = young < 0 ? found.length : young;
      const left = goneIn(data).length;
      data.removedThrough += taken;
      return {
        kind: 'removed',
        entries: goneIn(data).length - left,
        more: taken > 0 && taken === entriesMax,
      };
    },
  };
}

/** Requests whose receipt is gone. */
export function removedRequests({ entries, removedThrough }: MemoryData): ReadonlySet<RequestId> {
  return new Set(
    entries.slice(0, removedThrough).flatMap((entry) => (endsRequest(entry) ? entry.requestId : [])),
  );
}

/** What the status says of it. */
export function removedIn(
  data: MemoryData,
): Pick<StoreStatus, 'removedEntries' | 'removedUntil' | 'oldestAt'> {
  const { entries, removedThrough } = data;
  const removed = goneIn(data).length;
  return {
    removedEntries: removed,
    removedUntil: removed === 0 ? null : Math.max(...entries.slice(0, removedThrough).map(({ at }) => at)),
    oldestAt: entries[removedThrough]?.at ?? null,
  };
}

/** A reservation goes with its ending. */
function goneIn(data: MemoryData): readonly LedgerEntry[] {
  const ended = removedRequests(data);
  return data.entries
    .slice(0, data.removedThrough)
    .filter((entry) => entry.kind !== 'reserved' || ended.has(entry.requestId));
}
