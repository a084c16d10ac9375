import type { ServerResponse } from 'node:http';
import type { Behaviour, SeenCall } from './upstream-server.ts';
import { completion, sendJson } from './upstream-server.ts';

/** An upstream that holds every call until it is told to let one go, and counts those that it has at a time. */
export function gate() {
  const held: { readonly call: SeenCall; readonly response: ServerResponse }[] = [];
  const users: unknown[] = [];
  let most = 0;
  return {
    behaviour: ((call, response) => {
      held.push({ call, response });
      users.push(call.body['user']);
      most = Math.max(most, held.length);
    }) satisfies Behaviour,
    held,
    /** Who came, in the order in which they came. */
    users,
    most: () => most,
    letGo() {
      const next = held.shift();
      if (next !== undefined) sendJson(next.response, completion(10, 5));
    },
  };
}
