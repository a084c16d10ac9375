import { join } from 'node:path';
import { describe, inject } from 'vitest';

const trouble = inject('dockerTrouble');

// A run that is meant to prove the image must not pass by leaving it out.
if (trouble !== null && process.env['REQUIRE_DOCKER'] === '1') {
  throw new Error(`REQUIRE_DOCKER=1, but no Docker engine is reachable: ${trouble}`);
}

/** `describe` for tests that need a Docker engine: skipped where none is reachable. */
export const describeStack = describe.skipIf(trouble !== null);

// Ryuk, which cleans up after testcontainers, is an image to be pulled, and nothing here is pulled:
// each suite stops what it started, and what a killed run leaves behind is found by its label.
process.env['TESTCONTAINERS_RYUK_DISABLED'] ??= 'true';

export const LABELS = { 'quota-proxy.test': 'stack' };

export const REPOSITORY = join(import.meta.dirname, '../..');

export const ADMIN_TOKEN = '5b1e09c3d7f24a8896e0b1c2d3f4a5b6';
