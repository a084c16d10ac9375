import { rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { memoryFolder } from '#test/fakes/memory-folder.ts';
import { simulate } from './simulate.ts';

/** Of so many, one is lived through on the real store, too: that takes several times as long. */
const ON_DISK_EVERY = 50;
const PROGRESS_EVERY = 500;

interface Share {
  readonly first: number;
  readonly count: number;
  readonly every: number;
}

type Told =
  | { readonly kind: 'lived' }
  | { readonly kind: 'failed'; readonly seed: number; readonly how: string };

/** Lives through one seed, in memory and, if it is to be, on the real store; what went wrong. */
async function failureOf(seed: number, onDisk: boolean): Promise<string | undefined> {
  const folder = onDisk ? memoryFolder('simulation') : null;
  try {
    await simulate({ seed, folder: null });
    if (folder !== null) await simulate({ seed, folder });
    return undefined;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  } finally {
    if (folder !== null) rmSync(folder, { recursive: true });
  }
}

async function liveShare({ first, count, every }: Share): Promise<void> {
  for (let seed = first; seed < first + count; seed += every) {
    const how = await failureOf(seed, seed % ON_DISK_EVERY === 0);
    const told: Told = how === undefined ? { kind: 'lived' } : { kind: 'failed', seed, how };
    parentPort?.postMessage(told);
  }
}

/** Lives through many seeds, as many at a time as there are cores; how many went wrong. */
async function liveAll(first: number, count: number): Promise<number> {
  const startedMs = performance.now();
  const every = Math.min(availableParallelism(), count);
  let lived = 0;
  let failed = 0;
  const hear = (told: Told) => {
    lived += 1;
    if (told.kind === 'failed') {
      failed += 1;
      console.error(
        `seed ${told.seed} failed: ${told.how}\nagain: npm run test:simulation -- --seed ${told.seed}`,
      );
    }
    if (lived % PROGRESS_EVERY === 0 || lived === count) {
      const perSecond = (lived / (performance.now() - startedMs)) * 1000;
      console.info(
        `${lived} of ${count} seeds from ${first} on, ${perSecond.toFixed(1)} a second, ${failed} failed`,
      );
    }
  };
  await Promise.all(
    Array.from({ length: every }, (_, index) => {
      const share: Share = { first: first + index, count: count - index, every };
      const worker = new Worker(new URL(import.meta.url), { workerData: share });
      worker.on('message', hear);
      return new Promise((resolve, reject) => worker.on('exit', resolve).on('error', reject));
    }),
  );
  return lived === count ? failed : count;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string', default: '10000' },
      from: { type: 'string', default: '1' },
    },
  });
  if (values.seed === undefined) {
    process.exitCode = (await liveAll(Number(values.from), Number(values.seeds))) === 0 ? 0 : 1;
    return;
  }
  const how = await failureOf(Number(values.seed), true);
  console.info(how ?? `seed ${values.seed} broke no invariant, in memory and on the real store`);
  process.exitCode = how === undefined ? 0 : 1;
}

if (isMainThread) await main();
else await liveShare(workerData as Share);
