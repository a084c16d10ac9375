import { createServer, type Server } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll } from 'vitest';
import { describeStack } from './docker.ts';

/** The kernel takes it away with the process that holds it, however that ends (unix(7), abstract sockets). */
const TURN = '\0quota-proxy-documented-ports';
const PAUSE_MS = 250;

/**
 * `describeStack` for tests that run a page's commands as they are printed: these publish the ports that the pages
 * name, which the machine has once. Suites that need them wait for one another.
 */
export function describeDocumented(name: string, tests: () => void): void {
  describeStack(name, () => {
    let turn: Server | undefined;
    beforeAll(async () => {
      turn = await takeTurn();
    });
    afterAll(() => void turn?.close());
    tests();
  });
}

async function takeTurn(): Promise<Server> {
  for (;;) {
    const turn = await listening();
    if (turn !== undefined) return turn;
    await pause(PAUSE_MS);
  }
}

/** `undefined` while another process listens there. */
function listening(): Promise<Server | undefined> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    server.listen(TURN, () => resolve(server));
  });
}
