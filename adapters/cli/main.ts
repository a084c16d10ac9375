import { isMainThread } from 'node:worker_threads';

// The bundle is one file: its other threads start here, too.
if (isMainThread) {
  const { run } = await import('./run.ts');
  process.exit(await run(process.argv.slice(2)));
} else {
  const { enterThread } = await import('#adapters/container/compose-thread.ts');
  await enterThread();
}
