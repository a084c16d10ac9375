import type { Throttle } from '#core/throttle.ts';
import { throttle } from '#core/throttle.ts';
import type { BodyRoom } from './body-room.ts';
import { bodyRoom } from './body-room.ts';

/** What keeps those who use up the server from all others. Everything is kept in memory alone. */
export interface Guards {
  /** Credentials that are none, by the network that they come from. */
  readonly guesses: Throttle;
  readonly bodies: BodyRoom;
}

export interface GuardLimits {
  /** Credentials from one network that are none; 0: any number. */
  readonly authFailuresPerMinute: number;
  /** Of all requests at once. */
  readonly bodiesBytesMax: number;
}

const MINUTE_MS = 60_000;

export function createGuards({ authFailuresPerMinute, bodiesBytesMax }: GuardLimits): Guards {
  return {
    guesses: throttle({ count: authFailuresPerMinute, withinMs: MINUTE_MS }),
    bodies: bodyRoom(bodiesBytesMax),
  };
}
