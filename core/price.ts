import type { UnitPrices, Usage } from './model.ts';

/** One model's entry in a price table: prices in micros per million tokens, `request` in micros each. */
export interface ModelPrices {
  readonly input: number;
  /** Input that the provider served from its cache; without it, such input costs what other input does. */
  readonly cachedInput: number;
  /** Input that the provider put into its cache; without it, such input costs what other input does. */
  readonly cacheWrite: number;
  readonly output: number;
  /** Output that is not shown; without it, such output costs what other output does. */
  readonly reasoning: number;
  readonly request: number;
  /** The most output tokens that the model gives in one choice, where it is known. */
  readonly outputTokensMax: number | null;
}

/** What models cost. Explicit zeros are prices; a model that is not listed has none. */
export interface PriceTable {
  readonly version: string;
  readonly currency: string;
  readonly models: ReadonlyMap<string, ModelPrices>;
}

/** What models cost now. It may change while requests are under way: each is charged by what it was reserved at. */
export interface PriceBook {
  /** `null`: no model has a price. */
  table(): PriceTable | null;
}

const TOKENS_PER_PRICE = 1_000_000n;

/** The prices of `model`, stamped with the table's version; `null` if the table has none. */
export function pricesOf(table: PriceTable | null, model: string): UnitPrices | null {
  const prices = table?.models.get(model);
  if (table === null || prices === undefined) return null;
  const { outputTokensMax: _, ...unitPrices } = prices;
  return { version: table.version, ...unitPrices };
}

/** What `usage` costs in micros, rounded up once, exact at any size. */
export function costOf(usage: Usage, prices: UnitPrices): number {
  const scaled =
    BigInt(usage.prompt - usage.cached - usage.cacheWritten) * BigInt(prices.input) +
    BigInt(usage.cached) * BigInt(prices.cachedInput) +
    BigInt(usage.cacheWritten) * BigInt(prices.cacheWrite) +
    BigInt(usage.completion - usage.reasoning) * BigInt(prices.output) +
    BigInt(usage.reasoning) * BigInt(prices.reasoning);
  const whole = (scaled + TOKENS_PER_PRICE - 1n) / TOKENS_PER_PRICE;
  return Number(whole) + prices.request;
}

/** How many output tokens `micros` buy after `inputTokens`, which may all miss the cache; below zero: none. */
export function outputTokensFor(micros: number, inputTokens: number, prices: UnitPrices): number {
  const input = BigInt(inputTokens) * BigInt(worstInput(prices));
  const left = BigInt(micros - prices.request) * TOKENS_PER_PRICE - input;
  if (left < 0n) return -1;
  const output = worstOutput(prices);
  return output === 0 ? Number.MAX_SAFE_INTEGER : Number(left / BigInt(output));
}

/** The most that so many tokens can cost, in micros. */
export function worstCostOf(inputTokens: number, outputTokens: number, prices: UnitPrices): number {
  const usage = { prompt: inputTokens, completion: outputTokens, cached: 0, cacheWritten: 0, reasoning: 0 };
  return costOf(usage, { ...prices, input: worstInput(prices), output: worstOutput(prices) });
}

function worstInput({ input, cachedInput, cacheWrite }: UnitPrices): number {
  return Math.max(input, cachedInput, cacheWrite);
}

function worstOutput({ output, reasoning }: UnitPrices): number {
  return Math.max(output, reasoning);
}
