/** A part of a search: commands are served between one part and the next. */
export interface Part<T, Place> {
  readonly items: readonly T[];
  /** Where to go on; `null` if there is nothing more. */
  readonly next: Place | null;
}

interface Search<T, Place> {
  readonly limit: number;
  /** Absent: at the beginning. */
  readonly from: Place | undefined;
  /** No more parts than these, however few were found. */
  readonly partsMax: number;
  /** The next items, at most `limit`, from a place on. */
  read(limit: number, from: Place | null): Promise<Part<T, Place>>;
  /** The place after an item. */
  placeOf(item: T): Place;
}

/** Gathers a page part by part, so that a long search keeps nobody waiting. */
export async function gather<T, Place extends number | string>(
  search: Search<T, Place>,
): Promise<Part<T, Place>> {
  const { limit, partsMax } = search;
  const found: T[] = [];
  let place = search.from ?? null;
  for (let parts = 0; parts < partsMax; parts += 1) {
    // One more than the page has tells whether there is another page.
    const { items, next } = await search.read(limit + 1 - found.length, place);
    found.push(...items);
    const last = found[limit - 1];
    if (found.length > limit && last !== undefined) {
      return { items: found.slice(0, limit), next: search.placeOf(last) };
    }
    if (next === null) return { items: found, next };
    place = next;
  }
  return { items: found, next: place };
}
