import { isMainThread } from 'node:worker_threads';

// The bundle is one file: the thread that owns the database starts here, too.
if (isMainThread) {
  const { run } = await import('./run.ts');
  process.exit(await run(process.argv.slice(2)));
} else {
  const { enterStoreThread } = await import('#adapters/container/compose.ts');
  await enterStoreThread();
}
