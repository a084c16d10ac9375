import { defineConfig } from 'vitest/config';

/** After the quick ones; two files at a time, because these start processes and containers and wait for them most of the time. */
const SLOW = { maxWorkers: 2, sequence: { groupOrder: 1 } };

/** As long as a busy machine may need; what is waited for is there in milliseconds. */
const expect = { poll: { timeout: 15_000 } };

/** Three kinds of proof: in this process, with processes that are killed, and with the real image. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          expect,
          include: ['{core,handlers,adapters,build,test,bench}/**/*.test.ts'],
          exclude: ['test/{faults,stack}/**'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'faults',
          expect,
          include: ['test/faults/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 60_000,
          ...SLOW,
        },
      },
      {
        test: {
          name: 'stack',
          expect,
          include: ['test/stack/**/*.test.ts'],
          globalSetup: ['test/stack/engine.ts'],
          testTimeout: 120_000,
          // Building the image takes minutes where nothing is cached.
          hookTimeout: 600_000,
          ...SLOW,
        },
      },
    ],
  },
});
