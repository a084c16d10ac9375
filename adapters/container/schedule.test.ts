import { expect, test, vi } from 'vitest';
import { schedule } from './schedule.ts';

const quiet = { failed: () => expect.fail('nothing was to fail') };

test('runs at once, again after each end, and never twice at once', async () => {
  let running = 0;
  let runs = 0;
  const task = async () => {
    running += 1;
    runs += 1;
    expect(running).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 5));
    running -= 1;
  };
  const { stop } = schedule('expire', task, 0, quiet);
  expect(runs).toBe(1);
  await vi.waitUntil(() => runs >= 3);
  await stop();
  expect(running).toBe(0);
});

test('goes on after a failure, which is told', async () => {
  const failures: unknown[] = [];
  let runs = 0;
  const task = () => {
    runs += 1;
    return Promise.reject(new Error(`run ${runs}`));
  };
  const { stop } = schedule('expire', task, 0, { failed: (_, error) => void failures.push(error) });
  await vi.waitUntil(() => runs >= 2);
  await stop();
  expect(failures).toHaveLength(runs);
});

test('stop waits for what runs, and nothing runs after it', async () => {
  const finish = Promise.withResolvers<void>();
  let runs = 0;
  const { stop } = schedule(
    'expire',
    () => {
      runs += 1;
      return finish.promise;
    },
    0,
    quiet,
  );
  const stopped = stop();
  finish.resolve();
  await stopped;
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(runs).toBe(1);
});
