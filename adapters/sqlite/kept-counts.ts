import type { UnitPrices, Usage } from '#core/model.ts';

/** Usage as a ledger row keeps it: what is nothing is left out where most rows have nothing. Older rows have no such class. */
export type KeptUsage = Omit<Usage, 'cacheWritten'> & Partial<Pick<Usage, 'cacheWritten'>>;

/** Prices as a ledger row keeps them: without those that say no more than `input` and `output` do. */
export type KeptPrices = Omit<UnitPrices, 'cacheWrite' | 'reasoning'> &
  Partial<Pick<UnitPrices, 'cacheWrite' | 'reasoning'>>;

export function keptUsage({ cacheWritten, ...usage }: Usage): KeptUsage {
  return cacheWritten === 0 ? usage : { ...usage, cacheWritten };
}

export function usageIn(kept: KeptUsage): Usage {
  return { cacheWritten: 0, ...kept };
}

export function keptPrices({ cacheWrite, reasoning, ...prices }: UnitPrices): KeptPrices {
  return {
    ...prices,
    ...(cacheWrite !== prices.input && { cacheWrite }),
    ...(reasoning !== prices.output && { reasoning }),
  };
}

export function pricesIn(kept: KeptPrices): UnitPrices {
  return { cacheWrite: kept.input, reasoning: kept.output, ...kept };
}
