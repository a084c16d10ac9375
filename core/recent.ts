import type { Instant } from './model.ts';

/**
 * Counts by a name within a time, in bounded memory: of too many names, the one that was longest not heard of is
 * forgotten, and of too many members of one name, too.
 */
export interface Recent {
  /**
   * Adds one, or the member if it is not there. How many there are now, if that is above the limit, and was not told within
   * the time already; else `undefined`.
   */
  add(name: string, member: string | null, at: Instant): number | undefined;
}

interface Counted {
  /** Members by when they were last seen, the latest last. */
  readonly members: Map<string, Instant>;
  sinceAt: Instant;
  count: number;
  toldAt: Instant | undefined;
}

const NAMES_MAX = 10_000;
const MEMBERS_MAX = 100;

/** Tells of counts above `max` within `withinMs`. With a `max` of 0 it tells of none. */
export function recent(max: number, withinMs: number): Recent {
  const names = new Map<string, Counted>();

  function countedOf(name: string, at: Instant): Counted {
    const known = names.get(name) ?? { members: new Map(), sinceAt: at, count: 0, toldAt: undefined };
    names.delete(name);
    names.set(name, known);
    if (names.size > NAMES_MAX) dropFirst(names);
    return known;
  }

  return {
    add(name, member, at) {
      if (max === 0) return undefined;
      const counted = countedOf(name, at);
      const count = member === null ? more(counted, at, withinMs) : join(counted, member, at, withinMs);
      const wasTold = counted.toldAt !== undefined && at - counted.toldAt < withinMs;
      if (count <= max || wasTold) return undefined;
      counted.toldAt = at;
      return count;
    },
  };
}

function more(counted: Counted, at: Instant, withinMs: number): number {
  if (at - counted.sinceAt >= withinMs) Object.assign(counted, { sinceAt: at, count: 0 });
  counted.count += 1;
  return counted.count;
}

function join({ members }: Counted, member: string, at: Instant, withinMs: number): number {
  members.delete(member);
  members.set(member, at);
  for (const [old, seenAt] of members) {
    if (at - seenAt < withinMs) break;
    members.delete(old);
  }
  if (members.size > MEMBERS_MAX) dropFirst(members);
  return members.size;
}

function dropFirst(map: Map<string, unknown>): void {
  for (const first of map.keys()) {
    map.delete(first);
    return;
  }
}
