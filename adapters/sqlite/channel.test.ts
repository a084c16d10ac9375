import { Worker } from 'node:worker_threads';
import { afterEach, expect, test } from 'vitest';
import { StoreUnavailable } from '#core/ports.ts';
import { keyNumber, reserving, settling } from '#test/conformance/specimens.ts';
import { NOON } from '#test/fakes/accounts.ts';
import { openChannel } from './channel.ts';
import { StoreRefused } from './store-refused.ts';

const KEY = keyNumber(1);

/** Answers each call with the number of calls in its message and its own place among them. */
const COUNTING = `
  const { parentPort } = require('node:worker_threads');
  parentPort.postMessage('[{"kind":"done"}]');
  parentPort.on('message', (message) => {
    const calls = JSON.parse(message);
    if (calls[0][0] === 'close') process.exit(3);
    parentPort.postMessage(JSON.stringify(calls.map((_, place) => ({ kind: 'done', value: [calls.length, place] }))));
  });`;

let worker: Worker;
afterEach(() => worker.terminate());

function start(code: string) {
  worker = new Worker(code, { eval: true });
  return openChannel(worker);
}

test('calls of one turn go as one message, in order, and those that can wait ride with them', async () => {
  const channel = start(COUNTING);
  await channel.opened;
  const asked = [
    channel.callSoon('execute', settling(1, KEY, null)),
    channel.call('execute', reserving(2, KEY)),
    Promise.resolve().then(() => channel.call('lapsed', NOON, 1)),
  ];
  expect(await Promise.all(asked)).toEqual([
    [3, 0],
    [3, 1],
    [3, 2],
  ]);
  expect(await channel.callSoon('execute', settling(3, KEY, null))).toEqual([1, 0]);
});

test('the end of the thread rejects what was asked for, and whatever is asked later', async () => {
  const channel = start(COUNTING);
  await channel.opened;
  await expect(channel.call('close')).rejects.toBeInstanceOf(StoreUnavailable);
  await expect(channel.call('sponsor')).rejects.toBeInstanceOf(StoreUnavailable);
  await expect(channel.callSoon('sponsor')).rejects.toBeInstanceOf(StoreUnavailable);
});

test('an error in the thread is told', async () => {
  const channel = start('throw new Error("out of order")');
  await expect(channel.opened).rejects.toThrow(/thread failed: out of order/);
});

test('a refusal stays one', async () => {
  const answer = JSON.stringify([{ kind: 'refused', message: 'no' }]);
  const channel = start(`require('node:worker_threads').parentPort.postMessage('${answer}')`);
  await expect(channel.opened).rejects.toBeInstanceOf(StoreRefused);
});
