import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { basename, join, resolve } from 'node:path';
import { build } from 'esbuild';
import { billOfMaterials } from '#build/bill-of-materials.ts';
import { bundledPackages } from '#build/bundled-packages.ts';
import { sqliteVersion } from '#build/sqlite-version.ts';
import { thirdPartyNotices } from '#build/third-party-notices.ts';
import product from '#package.json' with { type: 'json' };

// One program and, beside it, SQLite as native code: the two start in a directory that holds nothing else.
const root = import.meta.dirname;
const directory = resolve(process.argv[2] ?? join(root, 'dist'));

// Whatever the program imports of Node is otherwise loaded by each of its threads before anything runs, and read through:
// to import `node:http` alone loads Node's own fetch.
const nodeWhenNeeded = {
  name: "Node's modules, when they are needed",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /./ }, ({ path, kind }) =>
      kind === 'import-statement' && isBuiltin(path) ? { path, namespace: 'node' } : undefined,
    );
    onLoad({ filter: /./, namespace: 'node' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule('${path}')`,
    }));
  },
};

rmSync(directory, { recursive: true, force: true });
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: ['adapters/cli/main.ts'],
  outfile: `${directory}/quota-proxy.mjs`,
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  // Whether tsconfig.json is there or not, as in the image's build: the same bytes.
  tsconfigRaw: '{}',
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
  metafile: true,
  plugins: [nodeWhenNeeded],
});

// What the two are made of, for people and for scanners.
const bundled = bundledPackages(root, metafile);
const sqlite = sqliteVersion(root);
const files = Object.keys(metafile.outputs)
  .map((path) => join(root, path))
  .filter((path) => !path.endsWith('.map'))
  .sort()
  .map((path) => ({
    name: basename(path),
    sha256: createHash('sha256').update(readFileSync(path)).digest('hex'),
  }));
writeFileSync(join(directory, 'sbom.cdx.json'), billOfMaterials(product, bundled, sqlite, files));
writeFileSync(join(directory, 'THIRD-PARTY-NOTICES.txt'), thirdPartyNotices(root, bundled.packages, sqlite));
