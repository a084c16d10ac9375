import { expect, test } from 'vitest';
import { inFlight } from './in-flight.ts';

test('is idle once all is done, also what work adds', async () => {
  const works = inFlight({ failed: () => expect.fail() });
  await works.idle();
  const first = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  works.waitUntil(first.promise.then(() => works.waitUntil(second.promise)));
  expect(works.size()).toBe(1);
  let idle = false;
  const waited = works.idle().then(() => {
    idle = true;
  });
  first.resolve();
  await first.promise;
  await new Promise(setImmediate);
  expect(idle).toBe(false);
  second.resolve();
  await waited;
  expect(works.size()).toBe(0);
});

test('work that fails is told, and fails nothing else', async () => {
  const told: unknown[] = [];
  const works = inFlight({ failed: (_, error) => void told.push(error) });
  const error = new Error('settling failed');
  works.waitUntil(Promise.reject(error));
  await works.idle();
  expect(told).toEqual([error]);
});
