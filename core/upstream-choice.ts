/** Which models an upstream has, and what it calls them. `null` in its place: all, by the names that clients use. */
export interface ModelNames {
  /** By the name that clients use, the upstream's own. */
  readonly exact: ReadonlyMap<string, string>;
  /** What begins so is there too, under its own name. */
  readonly prefixes: readonly string[];
}

/** How much an upstream is to be preferred. */
export interface Preference {
  /** Lower comes first. */
  readonly priority: number;
  /** Its share among those of the same priority. */
  readonly weight: number;
}

/** What an upstream calls the model that a client asks for; `undefined` if it does not have it. */
export function nameThere(models: ModelNames | null, model: string): string | undefined {
  if (models === null) return model;
  const exact = models.exact.get(model);
  if (exact !== undefined) return exact;
  return models.prefixes.some((prefix) => model.startsWith(prefix)) ? model : undefined;
}

/** What clients call a model of an upstream's list: by several names, by one, or by none if it is not for them. */
export function namesHere(models: ModelNames | null, model: string): readonly string[] {
  if (models === null) return [model];
  const names = [...models.exact].filter(([, there]) => there === model).map(([here]) => here);
  // A name that is another model's here cannot stand for this one as well.
  const isFree = !models.exact.has(model) && models.prefixes.some((prefix) => model.startsWith(prefix));
  return isFree ? [model, ...names] : names;
}

/**
 * All candidates in the order in which they are tried: by priority, and those of one priority at random, each first in
 * so many cases as is its share of the weights. `draw` is the randomness: from 0 on, and below 1.
 */
export function inOrder<T extends Preference>(candidates: readonly T[], draw: number): readonly T[] {
  const left = candidates.toSorted((one, other) => one.priority - other.priority);
  const ordered: T[] = [];
  let rest = draw;
  for (let first = left[0]; first !== undefined; first = left[0]) {
    const { priority } = first;
    const end = left.findIndex((candidate) => candidate.priority !== priority);
    const peers = end === -1 ? left : left.slice(0, end);
    const picked = pick(peers, rest);
    // What the draw is within the share that it fell into is as random as it was within the whole.
    rest = picked.rest;
    ordered.push(...left.splice(picked.index, 1));
  }
  return ordered;
}

function pick(peers: readonly Preference[], draw: number): { index: number; rest: number } {
  let at = draw * peers.reduce((sum, { weight }) => sum + weight, 0);
  for (const [index, { weight }] of peers.entries()) {
    if (at < weight) return { index, rest: at / weight };
    at -= weight;
  }
  // The sum of what was taken off may differ from the whole by a rounding.
  return { index: peers.length - 1, rest: 0 };
}
