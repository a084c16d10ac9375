import type { Instant } from '#core/model.ts';
import type { Observer } from '#core/observer.ts';
import type { Clock } from '#core/ports.ts';

/** Something that is wrong from one moment to another, and not with one request. */
export interface Trouble {
  readonly name: TroubleName;
  /** For an operator: what is wrong, where, and what to do. */
  readonly message: string;
  readonly since: Instant;
}

/** Of several upstreams each has a name. */
export type TroubleName = 'store' | 'upstream' | `upstream ${string}` | 'clock';

/** Tells the observer of each trouble twice, however many requests meet it: when it begins and when it is over. */
export interface Troubles {
  /** `kind`: what of this name it is. While that stays the same it is one trouble, whatever its message is. */
  begin(name: TroubleName, kind: string, message: string, error: unknown): void;
  /** Where there is no such trouble, nothing. */
  end(name: TroubleName, message: string): void;
  of(name: TroubleName): Trouble | undefined;
  /** Those that there are now, oldest first. */
  all(): readonly Trouble[];
}

export function watchTroubles({
  clock,
  observer,
}: {
  readonly clock: Clock;
  readonly observer: Observer;
}): Troubles {
  const current = new Map<TroubleName, Trouble & { readonly kind: string; readonly beganMs: number }>();
  return {
    begin(name, kind, message, error) {
      if (current.get(name)?.kind === kind) return;
      current.delete(name);
      current.set(name, { name, kind, message, since: clock.now(), beganMs: clock.elapsedMs() });
      observer.failed(message, error, { trouble: name });
    },
    end(name, message) {
      const ended = current.get(name);
      if (ended === undefined) return;
      current.delete(name);
      observer.noticed(message, {
        trouble: name,
        lasted_ms: Math.round(clock.elapsedMs() - ended.beganMs),
      });
    },
    of: (name) => current.get(name),
    all: () => [...current.values()].map(({ name, message, since }) => ({ name, message, since })),
  };
}
