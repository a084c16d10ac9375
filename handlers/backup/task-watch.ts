import type { Instant } from '#core/model.ts';
import { retryAt } from '#core/timetable.ts';

/** What went wrong with a task the last time; a success takes it away. */
export interface Trouble {
  readonly task: TaskName;
  readonly at: Instant;
  readonly message: string;
}

export type TaskName = 'backup' | 'segment' | 'drill' | 'prune';

/** How often each task ended well, and how often not, since this process began. */
export type TaskCounts = Readonly<Record<TaskName, { readonly done: number; readonly failed: number }>>;

export interface TaskWatch {
  /** Does the work, and remembers how it ended. @throws what it throws */
  watched<T>(task: TaskName, at: Instant, work: () => Promise<T>): Promise<T>;
  /** Whether the task failed so lately that it is not tried again yet. */
  isTooEarly(task: TaskName, at: Instant): boolean;
  /** Whether the task failed the last time. */
  hasFailed(task: TaskName): boolean;
  troubles(): readonly Trouble[];
  counts(): TaskCounts;
}

/** Remembers of each task what went wrong last, and how long to wait before it is tried again. */
export function taskWatch(): TaskWatch {
  const tasks: readonly TaskName[] = ['backup', 'segment', 'drill', 'prune'];
  const counts = Object.fromEntries(tasks.map((task) => [task, { done: 0, failed: 0 }])) as Record<
    TaskName,
    { done: number; failed: number }
  >;
  const failing = new Map<TaskName, Trouble & { readonly failures: number }>();
  return {
    async watched(task, at, work) {
      try {
        const result = await work();
        failing.delete(task);
        counts[task].done += 1;
        return result;
      } catch (error) {
        counts[task].failed += 1;
        const message = error instanceof Error ? error.message : String(error);
        const failures = (failing.get(task)?.failures ?? 0) + 1;
        failing.set(task, { task, at, message, failures });
        throw error;
      }
    },
    isTooEarly(task, at) {
      const failed = failing.get(task);
      return failed !== undefined && at >= failed.at && at < retryAt(failed.failures, failed.at);
    },
    hasFailed: (task) => failing.has(task),
    troubles: () => [...failing.values()].map(({ task, at, message }) => ({ task, at, message })),
    counts: () => structuredClone(counts),
  };
}
