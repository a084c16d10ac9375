/** In a thread that was started from the bundle: becomes what it was started for, and evaluates no more than that. */
export async function enterThread(): Promise<void> {
  await import('#adapters/sqlite/writer-thread.ts');
  await import('./job-thread.ts');
}
