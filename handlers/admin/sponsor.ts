import type { Instant, Sponsor } from '#core/model.ts';
import type { Services } from '../services.ts';
import type { Implementation } from './contract/action.ts';
import type { Contract } from './contract.ts';
import { standingViews } from './key-view.ts';

export type SponsorServices = Pick<Services, 'keys' | 'calendar'>;

/** What all keys together may use. */
export function sponsorActions({ keys, calendar }: SponsorServices): Implementation<Contract['sponsor']> {
  const view = ({ quotas, buckets }: Sponsor, at: Instant) => ({
    quotas: standingViews(quotas, buckets, at, calendar),
  });
  return {
    get: async ({ at }) => view(await keys.sponsor(), at),
    put: async ({ body, at, operation }) =>
      view(await keys.setSponsorQuotas(body.quotas, at, operation('sponsor', body)), at),
  };
}
