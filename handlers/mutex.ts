/** Runs work that nothing else of its kind may run beside. */
export type Exclusive = <T>(work: () => Promise<T>) => Promise<T>;

/** One after another, in order; a failure does not stop those behind it. */
export function mutex(): Exclusive {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work, work);
    last = mine.catch(() => undefined);
    return mine;
  };
}
