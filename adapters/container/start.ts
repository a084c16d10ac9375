import { openServedStore, startStoreThread } from './compose-store.ts';
import type { Config } from './config.ts';
import { refuseTakenPort } from './listen.ts';

/**
 * Starts, and serves until SIGTERM or SIGINT, then drains and resolves. A second signal ends the process at once.
 * @throws ConfigError, StartRefused, StoreRefused
 */
export async function start(readConfig: () => Config | Promise<Config>): Promise<void> {
  // From the first moment: a signal that comes while this starts must not end it half-way.
  const stop = stopSignal();
  // It loads its part of the program while this one reads the settings, and opens the database while this one loads what
  // serves from it.
  await using thread = startStoreThread();
  const config = await readConfig();
  await refuseTakenPort(config);
  const [opened, { serve }] = await Promise.all([openServedStore(config, thread), import('./serve.ts')]);
  await serve(config, opened, stop);
}

/** The first signal asks to stop; the second does not ask. */
function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let told = false;
    const onSignal = (signal: NodeJS.Signals) => {
      if (told) process.exit(1);
      told = true;
      resolve(signal);
    };
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  });
}
