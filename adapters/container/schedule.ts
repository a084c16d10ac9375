import type { Observer } from '#core/observer.ts';

export interface Schedule {
  /** Starts nothing any more; resolves once what runs is done. */
  stop(): Promise<void>;
}

/** Runs `task` now, and again `pauseMs` after each end of it: never twice at once. */
export function schedule(
  name: string,
  task: () => Promise<unknown>,
  pauseMs: number,
  observer: Pick<Observer, 'failed'>,
): Schedule {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running = run();

  async function run(): Promise<void> {
    try {
      await task();
    } catch (error) {
      // What ends because the process does is no failure.
      if (!stopped) observer.failed('A scheduled task failed.', error, { task: name });
    }
    if (stopped) return;
    timer = setTimeout(() => {
      running = run();
    }, pauseMs);
  }

  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
      return running;
    },
  };
}
