import type { Change, KeptReplies } from '#core/kept-reply.ts';
import { KEPT_MS } from '#core/kept-reply.ts';
import type { Store } from '#core/ports.ts';
import type { MemoryData } from './memory-store.ts';

type Makers = Pick<Store, 'keys' | 'applications' | 'operations' | 'ledger'>;

/** The kept answers of the reference store: what cannot be recorded whole is not recorded. */
export function memoryReplies(data: MemoryData, makersOf: (data: MemoryData) => Makers): KeptReplies {
  return {
    find: async (digest, at) => data.replies.find((each) => each.digest === digest && each.at + KEPT_MS > at),
    version: async () => data.changes,
    async record({ changes, version, reply }) {
      if (version !== null && version !== data.changes) return false;
      // Tried on a copy: there is nothing to take back, and neighbours may go on.
      const copy = makersOf(structuredClone(data));
      for (const change of changes) await make(change, copy);
      if (version !== null && version !== data.changes) return false;
      // Each does what it does before it first waits: nothing comes between them.
      const real = makersOf(data);
      const made = changes.map((change) => make(change, real));
      if (reply !== null)
        data.replies = [...data.replies.filter(({ digest }) => digest !== reply.digest), reply];
      await Promise.all(made);
      return true;
    },
    async forget(at) {
      data.replies = data.replies.filter((each) => each.at + KEPT_MS > at);
    },
  };
}

function make(change: Change, { keys, applications, operations, ledger }: Makers): Promise<unknown> {
  switch (change.kind) {
    case 'add_key':
      return keys.add(change.key, change.operation);
    case 'bring_in':
      return keys.bringIn(change.key, change.history, change.at, change.operation);
    case 'amend_key':
      return keys.amend(change.id, change.amendment, change.operation);
    case 'rotate_key':
      return keys.rotate(change.id, change.rotation, change.operation);
    case 'set_sponsor_quotas':
      return keys.setSponsorQuotas(change.quotas, change.at, change.operation);
    case 'decide_application':
      return applications.decide(change.id, change.verdict, change.operation);
    case 'append':
      return operations.append(change.operation);
    case 'execute':
      return ledger.execute(change.command);
  }
}
