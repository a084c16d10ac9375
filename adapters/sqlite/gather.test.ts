import { expect, test } from 'vitest';
import { gather } from './gather.ts';

/** Numbers from 100 down, of which so many are seen at once, and only those that `isSought` are found. */
function search(
  limit: number,
  isSought: (n: number) => boolean,
  more: { from?: number; partsMax?: number } = {},
) {
  const parts: number[] = [];
  return {
    parts,
    page: gather<number, number>({
      limit,
      from: more.from,
      partsMax: more.partsMax ?? 100,
      async read(wanted, before) {
        parts.push(wanted);
        const start = before ?? 101;
        const found: number[] = [];
        for (let n = start - 1; n >= Math.max(1, start - 10); n -= 1) {
          if (isSought(n)) found.push(n);
          if (found.length === wanted) return { items: found, next: n > 1 ? n : null };
        }
        return { items: found, next: start > 11 ? start - 10 : null };
      },
      placeOf: (n) => n,
    }),
  };
}

test('a page is gathered from as many parts as it takes, and meets the next one', async () => {
  const rare = (n: number) => n % 30 === 0;
  const first = search(2, rare);
  expect(await first.page).toEqual({ items: [90, 60], next: 60 });
  expect(first.parts.length).toBeGreaterThan(3);
  expect(await search(2, rare, { from: 60 }).page).toEqual({ items: [30], next: null });
  expect(await search(3, rare).page).toEqual({ items: [90, 60, 30], next: null });
});

test('a search that took too long ends where it is, and goes on there', async () => {
  const rare = (n: number) => n === 5;
  expect(await search(2, rare, { partsMax: 4 }).page).toEqual({ items: [], next: 61 });
  expect(await search(2, rare, { from: 61 }).page).toEqual({ items: [5], next: null });
});
