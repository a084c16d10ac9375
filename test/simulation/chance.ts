import { randomOf } from '#test/fakes/random-of.ts';

/** All that is left to chance in a simulation, by its seed. */
export interface Chance {
  /** Whether something happens that does so with this probability. */
  happens(probability: number): boolean;
  /** An integer from `least` to `most`, both included. */
  between(least: number, most: number): number;
  one<T>(of: readonly [T, ...T[]]): T;
  /** One of these names, as often as its weight says. */
  weighed<T extends string>(weights: Readonly<Record<T, number>>): T;
}

export function chanceOf(seed: number): Chance {
  const random = randomOf(seed);
  const between = (least: number, most: number) => least + Math.floor(random() * (most - least + 1));
  return {
    happens: (probability) => random() < probability,
    between,
    one: (of) => of[between(0, of.length - 1)] ?? of[0],
    weighed(weights) {
      const all = Object.entries(weights) as [keyof typeof weights, number][];
      let left = random() * all.reduce((sum, [, weight]) => sum + weight, 0);
      const found =
        all.find(([, weight]) => {
          left -= weight;
          return left < 0;
        }) ?? all[0];
      if (found === undefined) throw new Error('nothing to choose from');
      return found[0];
    },
  };
}
