import { getContainerRuntimeClient } from 'testcontainers';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** Why no Docker engine is reachable; `null` if one is. */
    dockerTrouble: string | null;
  }
}

/** Looks once, before the first stack test, for a Docker engine, as testcontainers does. */
export async function setup(project: TestProject): Promise<void> {
  const trouble = await getContainerRuntimeClient().then(
    () => null,
    (error: unknown) => String(error),
  );
  project.provide('dockerTrouble', trouble);
  if (trouble === null || process.env['REQUIRE_DOCKER'] === '1') return;
  console.warn(`Stack tests are skipped: no Docker engine is reachable (${trouble}).`);
}
