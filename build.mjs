import { rmSync } from 'node:fs';
import { build } from 'esbuild';

// One program and, beside it, SQLite as native code: the two start in a directory that holds nothing else.
const directory = process.argv[2] ?? 'dist';

rmSync(directory, { recursive: true, force: true });
await build({
  entryPoints: ['adapters/cli/main.ts'],
  outfile: `${directory}/quota-proxy.mjs`,
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  // Names stay: a stack trace in a log must say something.
  minifySyntax: true,
  minifyWhitespace: true,
  sourcemap: 'linked',
  legalComments: 'none',
  // The bare import looks for its native file at run time; the one for a platform names it, so that it is copied.
  alias: { 'better-sqlite3': `better-sqlite3/${process.platform}-${process.arch}` },
  loader: { '.node': 'copy' },
  assetNames: '[name]',
  banner: {
    // Libraries in CommonJS ask for Node's own modules by `require`.
    js: "#!/usr/bin/env node\nimport { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);",
  },
  logLevel: 'info',
});
