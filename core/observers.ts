import type { Observer } from './observer.ts';

/** All of them as one: each is told, in order, what it listens to. */
export function observers(all: readonly Partial<Observer>[]): Observer {
  return {
    requestEnded(event) {
      for (const each of all) each.requestEnded?.(event);
    },
    noticed(message, fields) {
      for (const each of all) each.noticed?.(message, fields);
    },
    warned(message, fields) {
      for (const each of all) each.warned?.(message, fields);
    },
    failed(message, error, fields) {
      for (const each of all) each.failed?.(message, error, fields);
    },
  };
}
