import type { Operation } from '#core/operation.ts';
import type { Services } from '../services.ts';
import type { Implementation } from './contract/action.ts';
import type { Contract } from './contract.ts';

export type OperationServices = Pick<Services, 'operations'>;

/** The log of what was done through this API. */
export function operationActions({ operations }: OperationServices): Implementation<Contract['operations']> {
  return {
    async list({ query: { cursor, ...same } }) {
      const { items, more } = await operations.list({
        ...same,
        ...(cursor !== undefined && { after: cursor }),
      });
      const last = items.at(-1);
      return { items: items.map(operationView), next_cursor: more && last ? String(last.n) : null };
    },

    async verify() {
      const { count, brokenAt } = await operations.verify();
      return { ok: brokenAt === null, count, broken_at: brokenAt };
    },
  };
}

function operationView({ n, at, actor, action, target, details, hash, previousHash }: Operation) {
  return { n, at, actor, action, target, details: { ...details }, hash, previous_hash: previousHash };
}
