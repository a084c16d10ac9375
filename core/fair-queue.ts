/** Those who wait, each under a key: the keys take turns, and within a key whoever came first is first. */
export interface FairQueue<T> {
  readonly size: number;
  /**
   * Lets `item` wait. Where there is no room, a key with more waiting than this one makes some: its last item is pushed
   * out, and has to be told so. A key with no fewer waiting than any other is turned away.
   */
  add(key: string, item: T): Added<T>;
  /** The next one, which waits no more; `undefined` if nobody does. */
  take(): T | undefined;
  /** Whether it waited. It does no more. */
  remove(key: string, item: T): boolean;
}

export type Added<T> =
  | { readonly added: false }
  /** Whoever had to go is `pushedOut`. */
  | { readonly added: true; readonly pushedOut: T | undefined };

const TURNED_AWAY = { added: false } as const;

/** A fair queue for at most `lengthMax` items in all. */
export function fairQueue<T>(lengthMax: number): FairQueue<T> {
  // In the order of their turns: a key that had its turn goes to the end. One without items is not here.
  const keys = new Map<string, Set<T>>();
  let size = 0;

  function drop(key: string, items: Set<T>, item: T): boolean {
    if (!items.delete(item)) return false;
    size -= 1;
    if (items.size === 0) keys.delete(key);
    return true;
  }

  /** Makes room for one more of a key that has `own` items; `undefined` if nobody has more than it would have then. */
  function pushOut(own: number): T | undefined {
    let longest: [string, Set<T>] | undefined;
    for (const each of keys) if (each[1].size > (longest?.[1].size ?? own + 1)) longest = each;
    if (longest === undefined) return undefined;
    const [key, items] = longest;
    const last = [...items].at(-1) as T;
    drop(key, items, last);
    return last;
  }

  return {
    get size() {
      return size;
    },
    add(key, item) {
      let pushedOut: T | undefined;
      if (size >= lengthMax) {
        pushedOut = pushOut(keys.get(key)?.size ?? 0);
        if (pushedOut === undefined) return TURNED_AWAY;
      }
      const items = keys.get(key);
      if (items === undefined) keys.set(key, new Set([item]));
      else items.add(item);
      size += 1;
      return { added: true, pushedOut };
    },
    take() {
      for (const [key, items] of keys) {
        const [first] = items;
        keys.delete(key);
        items.delete(first as T);
        if (items.size > 0) keys.set(key, items);
        size -= 1;
        return first;
      }
      return undefined;
    },
    remove(key, item) {
      const items = keys.get(key);
      return items !== undefined && drop(key, items, item);
    },
  };
}
