import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fairQueue } from './fair-queue.ts';

test('the keys take turns, and within a key whoever came first is first', () => {
  const queue = fairQueue<string>(10);
  for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'b2']) queue.add(item.slice(0, 1), item);
  expect(queue.remove('a', 'a2')).toBe(true);
  expect(queue.remove('a', 'a2')).toBe(false);
  const taken = Array.from({ length: 6 }, () => queue.take());
  expect(taken).toEqual(['a1', 'b1', 'c1', 'a3', 'b2', undefined]);
});

test('where there is no room, whoever has more makes some, and whoever has no less is turned away', () => {
  const queue = fairQueue<string>(3);
  for (const item of ['a1', 'a2', 'a3']) queue.add('a', item);
  expect(queue.add('a', 'a4')).toEqual({ added: false });
  expect(queue.add('b', 'b1')).toEqual({ added: true, pushedOut: 'a3' });
  // Two and one: to change that into one and two helps nobody.
  expect(queue.add('b', 'b2')).toEqual({ added: false });
  expect(queue.add('c', 'c1')).toEqual({ added: true, pushedOut: 'a2' });
  expect(queue.add('d', 'd1')).toEqual({ added: false });
  expect(Array.from({ length: 3 }, () => queue.take())).toEqual(['a1', 'b1', 'c1']);
});

test('a queue of no length is for nobody', () => {
  expect(fairQueue<string>(0).add('a', 'a1')).toEqual({ added: false });
});

interface Waiting {
  readonly key: string;
  readonly number: number;
  /** How many others were taken while this one waited. */
  passedBy: number;
  /** How many of its own key were before it, and how many other keys there are at the most. */
  readonly before: number;
}

const KEYS = ['a', 'b', 'c', 'd'];
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ does: fc.constant('add' as const), key: fc.constantFrom(...KEYS) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('take' as const) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('remove' as const), which: fc.nat(20) }) },
);

test('it is never longer than it may be, keeps the order of each key, and lets none starve', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 8 }), (steps, lengthMax) => {
      const queue = fairQueue<Waiting>(lengthMax);
      let model: Waiting[] = [];
      const gone = (item: Waiting) => {
        model = model.filter((each) => each !== item);
      };
      for (const [number, each] of steps.entries()) {
        if (each.does === 'add') {
          const before = model.filter(({ key }) => key === each.key).length;
          const item = { key: each.key, number, passedBy: 0, before };
          const joined = queue.add(each.key, item);
          if (joined.added) model.push(item);
          else expect(model).toHaveLength(lengthMax);
          if (joined.added && joined.pushedOut !== undefined) gone(joined.pushedOut);
        } else if (each.does === 'take') {
          const item = queue.take();
          expect(item === undefined).toBe(model.length === 0);
          if (item === undefined) continue;
          expect(item.number).toBe(
            Math.min(...model.filter(({ key }) => key === item.key).map((own) => own.number)),
          );
          gone(item);
          for (const other of model) other.passedBy += 1;
        } else {
          const item = model[each.which % Math.max(1, model.length)];
          if (item === undefined) continue;
          expect(queue.remove(item.key, item)).toBe(true);
          gone(item);
        }
        expect(queue.size).toBe(model.length);
        expect(queue.size).toBeLessThanOrEqual(lengthMax);
        // One turn of every other key for each of its own that was before it, and one turn more for its own.
        for (const { passedBy, before } of model)
          expect(passedBy).toBeLessThanOrEqual((before + 1) * KEYS.length);
      }
    }),
    { numRuns: 300 },
  );
});
