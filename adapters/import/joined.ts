import type { Cells } from './foreign-database.ts';

/** A row with the number that it is joined by. */
export type Numbered = Cells & { readonly ref: number };

/**
 * Each key with the rows that are about it, of two lists that are both in the order of their column `ref`.
 * What is read of `rows` is gone: no more than one key's rows are ever in memory.
 */
export function* joined(
  keys: Iterable<Cells>,
  rows: Iterable<Cells>,
): Generator<{ readonly key: Numbered; readonly rows: readonly Cells[] }> {
  const left = numbered(rows);
  let next = left.next();
  for (const key of numbered(keys)) {
    const own: Cells[] = [];
    while (!next.done && next.value.ref <= key.ref) {
      if (next.value.ref < key.ref) throw new Error(`rows of ${next.value.ref} are of no key`);
      own.push(next.value);
      next = left.next();
    }
    yield { key, rows: own };
  }
}

function* numbered(rows: Iterable<Cells>): Generator<Numbered> {
  for (const row of rows) yield { ...row, ref: Number(row['ref']) };
}
