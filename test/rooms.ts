/** A part of the house and what it may import: folders of the house, packages, and `node:` for Node's own. */
export interface Room {
  readonly path: string;
  readonly may: readonly string[];
  readonly why: string;
}

/** The dependency rule. */
const ROOMS: readonly Room[] = [
  { path: 'core/', may: ['core/'], why: 'decisions are pure' },
  { path: 'handlers/', may: ['core/', 'handlers/', 'hono', 'zod'], why: 'handlers run on any platform' },
  driven('sqlite', 'better-sqlite3'),
  driven('upstream', 'undici'),
  driven('webhook', 'undici'),
  driven('log', 'pino'),
  driven('age', 'age-encryption'),
  driven('system'),
  driven('demo'),
  driven('directory'),
  driven('import'),
  driven('s3', '@aws-sdk/client-s3'),
  driven('prometheus', 'prom-client'),
  driven('opentelemetry', '@opentelemetry/'),
  {
    path: 'adapters/container/',
    may: [
      'core/',
      'handlers/',
      'adapters/container/',
      '@hono/node-server',
      'croner',
      'zod',
      'node:',
      'package.json',
    ],
    why: 'only compose.ts and its parts know which adapters there are',
  },
  {
    path: 'adapters/container/compose',
    may: ['core/', 'handlers/', 'adapters/', 'node:', 'package.json'],
    why: 'the one place where the parts meet',
  },
  {
    path: 'adapters/cli/',
    may: ['core/', 'handlers/', 'adapters/cli/', 'adapters/container/', 'commander', 'node:', 'package.json'],
    why: 'the command line speaks HTTP; what it runs in its own process it asks of the container',
  },
  { path: 'test/', may: ['*'], why: 'proves agreement between parts' },
  { path: 'bench/', may: ['bench/', 'undici', 'node:', 'package.json'], why: 'measures from outside' },
  { path: 'build.mjs', may: ['build/', 'package.json', 'esbuild', 'node:'], why: 'builds the bundle' },
  { path: 'build/', may: ['build/', 'esbuild', 'node:'], why: 'says what is in the bundle' },
  { path: 'vitest.config.ts', may: ['vitest'], why: 'says how tests run' },
];

/** The room of a file: the longest path that it begins with; `undefined` if no row is about it. */
export function roomOf(path: string): Room | undefined {
  return ROOMS.filter((room) => path.startsWith(room.path)).sort((a, b) => b.path.length - a.path.length)[0];
}

/** A driven adapter: core, itself, its one library, Node. */
function driven(name: string, ...library: [] | [string]): Room {
  const path = `adapters/${name}/`;
  const may = ['core/', path, 'node:', ...library];
  return { path, may, why: 'an adapter is replaced without touching another' };
}
