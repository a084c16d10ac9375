import { expect, test } from 'vitest';
import { accountWith, PRICES, perDay, reserveOf, sponsoredBy, UTC } from '#test/fakes/accounts.ts';
import { authorize } from './authorize.ts';
import type { Call, Quota, UnitPrices } from './model.ts';

interface Row {
  readonly name: string;
  readonly quotas: readonly Quota[];
  readonly call?: Partial<Call>;
  readonly prices?: UnitPrices | null;
  /** The bound that the upstream is given, `null` if the call is left alone; or the refusal. */
  readonly sets: number | null | 'asked' | 'refused';
  readonly tokens?: number;
}

const UNASKED = { outputTokensMax: null };
const EASY = perDay('tokens', 1_000_000);
const FREE_OUTPUT = { ...PRICES, output: 0, reasoning: 0 };

// Unless a row says otherwise: 100 tokens in, 50 out, at one micro a token in and two a token out.
const rows: readonly Row[] = [
  { name: 'no quota: left alone', quotas: [], sets: null, tokens: 150 },
  { name: 'no quota, not asked: left alone', quotas: [], call: UNASKED, sets: null, tokens: 4_196 },
  {
    name: 'a quota of requests bounds no output',
    quotas: [perDay('requests', 1)],
    call: UNASKED,
    sets: null,
  },
  { name: 'enough is left', quotas: [EASY], sets: 'asked', tokens: 150 },
  { name: 'not asked: the default', quotas: [EASY], call: UNASKED, sets: 4_096, tokens: 4_196 },
  {
    name: "not asked: the model's own bound",
    quotas: [EASY],
    call: { ...UNASKED, modelOutputTokensMax: 8_192 },
    sets: 8_192,
  },
  {
    name: "more than the model's own bound",
    quotas: [EASY],
    call: { outputTokensMax: 9_000, modelOutputTokensMax: 8_192 },
    sets: 8_192,
  },
  {
    name: "less than the model's own bound",
    quotas: [EASY],
    call: { modelOutputTokensMax: 8_192 },
    sets: 'asked',
    tokens: 150,
  },

  { name: 'tokens fit exactly', quotas: [perDay('tokens', 150)], sets: 'asked', tokens: 150 },
  { name: 'tokens one short: clamped', quotas: [perDay('tokens', 149)], sets: 49, tokens: 149 },
  {
    name: 'tokens not asked: clamped to what is left',
    quotas: [perDay('tokens', 149)],
    call: UNASKED,
    sets: 49,
    tokens: 149,
  },
  { name: 'the least answer fits', quotas: [perDay('tokens', 116)], sets: 16, tokens: 116 },
  { name: 'less than the least answer', quotas: [perDay('tokens', 115)], sets: 'refused' },
  {
    name: 'asked for less than the least',
    quotas: [perDay('tokens', 101)],
    call: { outputTokensMax: 1 },
    sets: 'asked',
    tokens: 101,
  },
  {
    name: 'asked for less, and one short',
    quotas: [perDay('tokens', 100)],
    call: { outputTokensMax: 1 },
    sets: 'refused',
  },
  {
    name: 'the least that the upstream would take fits',
    quotas: [perDay('tokens', 1_125)],
    call: { outputTokensMax: 4_000, outputTokensMin: 1_025 },
    sets: 1_025,
    tokens: 1_125,
  },
  {
    name: 'less than the upstream would take',
    quotas: [perDay('tokens', 1_124)],
    call: { outputTokensMax: 4_000, outputTokensMin: 1_025 },
    sets: 'refused',
  },
  { name: 'the input alone is too much', quotas: [perDay('tokens', 99)], sets: 'refused' },

  {
    name: 'choices share what is left',
    quotas: [perDay('tokens', 230)],
    call: { choices: 3 },
    sets: 43,
    tokens: 229,
  },
  {
    name: 'choices fit exactly',
    quotas: [perDay('tokens', 250)],
    call: { choices: 3 },
    sets: 'asked',
    tokens: 250,
  },
  {
    name: 'each choice needs the least answer',
    quotas: [perDay('tokens', 147)],
    call: { choices: 3 },
    sets: 'refused',
  },

  { name: 'cost fits exactly', quotas: [perDay('cost', 200)], sets: 'asked', tokens: 150 },
  { name: 'cost one short: clamped', quotas: [perDay('cost', 199)], sets: 49, tokens: 149 },
  { name: 'cost for the least answer', quotas: [perDay('cost', 132)], sets: 16, tokens: 116 },
  { name: 'cost below the least answer', quotas: [perDay('cost', 131)], sets: 'refused' },
  {
    name: 'choices share the money',
    quotas: [perDay('cost', 399)],
    call: { choices: 3 },
    sets: 49,
    tokens: 247,
  },
  {
    name: 'a price for each request comes first',
    quotas: [perDay('cost', 209)],
    prices: { ...PRICES, request: 10 },
    sets: 49,
  },
  {
    name: 'output that is free is not clamped',
    quotas: [perDay('cost', 100)],
    prices: FREE_OUTPUT,
    sets: 'asked',
    tokens: 150,
  },
  {
    name: 'input that is not free is refused',
    quotas: [perDay('cost', 99)],
    prices: FREE_OUTPUT,
    sets: 'refused',
  },
  {
    name: 'no money, and everything free',
    quotas: [perDay('cost', 0)],
    prices: { ...FREE_OUTPUT, input: 0, cachedInput: 0, cacheWrite: 0 },
    sets: 'asked',
  },
  { name: 'no price, and only tokens are bounded', quotas: [perDay('tokens', 149)], prices: null, sets: 49 },

  {
    name: 'the narrowest quota counts',
    quotas: [EASY, perDay('cost', 180), perDay('tokens', 145)],
    sets: 40,
    tokens: 140,
  },
];

test.each(rows)('$name', ({ quotas, call, prices = PRICES, sets, tokens }) => {
  const command = reserveOf(call, { prices });
  for (const account of [accountWith({ quotas }), sponsoredBy(accountWith(), quotas)]) {
    const { entries, result } = authorize(account, command, UTC);
    if (sets === 'refused') {
      expect(result).toMatchObject({ admitted: false, denial: { kind: 'quota_exceeded' } });
      continue;
    }
    expect(result).toMatchObject({
      admitted: true,
      outputTokensMax: sets === 'asked' ? command.call.outputTokensMax : sets,
    });
    if (tokens !== undefined) expect(entries[0]).toMatchObject({ reservation: { amount: { tokens } } });
  }
});
