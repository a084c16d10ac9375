import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readDemoConfig } from '#adapters/container/config.ts';
import { start } from '#adapters/container/start.ts';

/** Serves the built-in upstream, and leaves nothing behind unless it was told where to keep it. */
export async function serveDemo(): Promise<void> {
  const made: string[] = [];
  const config = readDemoConfig(() => {
    const directory = mkdtempSync(join(tmpdir(), 'quota-proxy-demo-'));
    made.push(directory);
    return directory;
  });
  try {
    await start(() => config);
  } finally {
    for (const directory of made) rmSync(directory, { recursive: true, force: true });
  }
}
