import { readFileSync } from 'node:fs';
import * as z from 'zod';
import type { ModelPrices, PriceTable } from '#core/price.ts';
import { fileJson } from './file-json.ts';
import { fileProblem } from './file-problem.ts';
import type { GivenSettings } from './given-settings.ts';

const price = z.int({ error: 'must be a whole number of micros' }).min(0, { error: 'must not be negative' });

const modelPrices = z.strictObject({
  input: price,
  cached_input: price.optional(),
  cache_write: price.optional(),
  output: price,
  reasoning: price.optional(),
  request: price.default(0),
  max_output_tokens: z.int().min(1).optional(),
});

const priceFile = z.strictObject({
  version: z.string().trim().min(1).max(100),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, { error: "must be three capital letters, such as 'USD' (ISO 4217)" }),
  models: z.record(z.string().min(1), modelPrices, {
    error: ({ code }) =>
      code === 'invalid_type' ? 'must be an object: the name of each model, and its prices' : undefined,
  }),
});

/** A price table, or all that is wrong with the text of one, one line each. */
export type PriceReading =
  | { readonly ok: true; readonly table: PriceTable }
  | { readonly ok: false; readonly problems: readonly string[] };

/** `pricesPath` is where the prices are read again when they have changed; both are `null` where there are none. */
interface ConfiguredPrices {
  readonly pricesPath: string | null;
  readonly prices: PriceTable | null;
}

/** The prices that PRICES_FILE names, and what is wrong with it among `problems`. */
export function pricesOf(given: GivenSettings, problems: string[]): ConfiguredPrices {
  const path = given['PRICES_FILE']?.value;
  if (path === undefined) return { prices: null, pricesPath: null };
  const read = readPriceFile(path);
  if (!read.ok) problems.push(...read.problems.map((problem) => `PRICES_FILE is '${path}': ${problem}`));
  return { prices: read.ok ? read.table : null, pricesPath: path };
}

/** Reads the price table in a file. */
export function readPriceFile(path: string): PriceReading {
  try {
    return readPrices(readFileSync(path, 'utf8'));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { ok: false, problems: [`the file cannot be read (${why})`] };
  }
}

/**
 * Reads a price table: JSON, prices in micros (millionths of the currency) per million tokens, `request` in micros
 * each. Without `cached_input` and `cache_write`, such input costs what other input does; without `reasoning`, such
 * output what other output does. An explicit 0 is a price.
 */
export function readPrices(text: string): PriceReading {
  const json = fileJson(text);
  if (!json.ok) return json;
  const read = priceFile.safeParse(json.value, { error: fileProblem });
  if (!read.success) {
    return {
      ok: false,
      problems: read.error.issues.map(({ path, message }) => `${nameOf(path)}: ${message}`),
    };
  }
  const { version, currency, models } = read.data;
  return {
    ok: true,
    table: { version, currency, models: new Map(Object.entries(models).map(toModelPrices)) },
  };
}

type ModelEntry = [string, z.infer<typeof modelPrices>];

function toModelPrices([name, given]: ModelEntry): [string, ModelPrices] {
  const { input, cached_input = input, cache_write = input, output, reasoning = output, request } = given;
  const outputTokensMax = given.max_output_tokens ?? null;
  const prices = { input, cachedInput: cached_input, cacheWrite: cache_write, output, reasoning, request };
  return [name, { ...prices, outputTokensMax }];
}

function nameOf(path: readonly PropertyKey[]): string {
  return path.length === 0 ? 'the file' : path.map(String).join(' → ');
}
