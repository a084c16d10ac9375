import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ModelNames } from './upstream-choice.ts';
import { inOrder, namesHere, nameThere } from './upstream-choice.ts';

const LIST: ModelNames = {
  exact: new Map([
    ['o3', 'o3'],
    ['fast', 'deepseek-chat'],
    ['deepseek-x', 'other'],
  ]),
  prefixes: ['deepseek-'],
};

test.each([
  { model: 'anything', models: null, there: 'anything' },
  { model: 'o3', models: LIST, there: 'o3' },
  { model: 'o3-mini', models: LIST, there: undefined },
  { model: 'fast', models: LIST, there: 'deepseek-chat' },
  { model: 'deepseek-reasoner', models: LIST, there: 'deepseek-reasoner' },
  { model: 'deepseek-x', models: LIST, there: 'other' },
  { model: 'Deepseek-reasoner', models: LIST, there: undefined },
])('$model is there as $there', ({ model, models, there }) => {
  expect(nameThere(models, model)).toBe(there);
});

test.each([
  { listed: 'anything', models: null, shown: ['anything'] },
  { listed: 'deepseek-chat', models: LIST, shown: ['deepseek-chat', 'fast'] },
  { listed: 'deepseek-x', models: LIST, shown: [] },
  { listed: 'other', models: LIST, shown: ['deepseek-x'] },
  { listed: 'o4', models: LIST, shown: [] },
])('$listed of its list is shown as $shown', ({ listed, models, shown }) => {
  expect(namesHere(models, listed)).toEqual(shown);
});

test('what is shown is what is understood: each name leads back to the model that it was made from', () => {
  const name = fc.constantFrom('a', 'ab', 'abc', 'b', 'bc');
  const names = fc.record({
    exact: fc.array(fc.tuple(name, name)).map((pairs) => new Map(pairs)),
    prefixes: fc.array(fc.constantFrom('', 'a', 'ab', 'b')),
  });
  fc.assert(
    fc.property(names, name, (models, listed) => {
      for (const shown of namesHere(models, listed)) expect(nameThere(models, shown)).toBe(listed);
    }),
  );
});

const candidate = fc.record({
  priority: fc.integer({ min: 0, max: 3 }),
  weight: fc.integer({ min: 1, max: 9 }),
});
const draw = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('all candidates are in the order, once each, and none before one that is to be preferred', () => {
  fc.assert(
    fc.property(fc.array(candidate, { maxLength: 6 }), draw, (candidates, drawn) => {
      const ordered = inOrder(candidates, drawn);
      expect(new Set(ordered)).toEqual(new Set(candidates));
      expect(ordered).toHaveLength(candidates.length);
      const priorities = ordered.map(({ priority }) => priority);
      expect(priorities).toEqual(priorities.toSorted((one, other) => one - other));
    }),
  );
});

test('each is first in as many cases as its weight says, and second in as many of what is left', () => {
  const [one, two, five] = [1, 2, 5].map((weight) => ({ priority: 0, weight }));
  const reserve = { priority: 1, weight: 100 };
  const candidates = [reserve, one, two, five].filter((each) => each !== undefined);
  const counts = new Map<string, number>();
  const DRAWS = 40_000;
  for (let n = 0; n < DRAWS; n += 1) {
    const [first, second] = inOrder(candidates, n / DRAWS);
    const order = `${first?.weight} ${second?.weight}`;
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  // Of eight parts one is first in 5, and then two of the three that are left second, and so on.
  const share = (order: string) => (counts.get(order) ?? 0) / DRAWS;
  expect(share('5 2')).toBeCloseTo((5 / 8) * (2 / 3), 2);
  expect(share('5 1')).toBeCloseTo((5 / 8) * (1 / 3), 2);
  expect(share('2 5')).toBeCloseTo((2 / 8) * (5 / 6), 2);
  expect(share('1 5')).toBeCloseTo((1 / 8) * (5 / 7), 2);
});
