import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { bundledPackages } from './bundled-packages.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bundled-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  write('main.js', `import { a } from 'a'; import { c } from '@s/passing'; console.log(a, c);`);
  writePackage('node_modules/a', '1.0.0', `export { b as a } from './inner.js';`);
  write('node_modules/a/inner.js', `import { b } from 'b'; console.log('a'); export { b };`);
  write('node_modules/a/package.json', `{"name": "a", "version": "1.0.0", "license": "MIT"}`);
  writePackage('node_modules/a/node_modules/b', '2.0.0', `import 'node:fs'; export const b = 'b';`);
  // Nothing of it is left: whoever asks it for something is given another's.
  writePackage('node_modules/@s/passing', '3.0.0', `export { a as c } from 'a';`);
});

test('those of which something is left are found, nested ones too, and who imports whom', async () => {
  lock({ 'node_modules/a': 'sha512-a', 'node_modules/a/node_modules/b': 'sha512-b' });
  const licence = 'MIT';
  expect(bundledPackages(root, await metafileOf())).toEqual({
    packages: [
      {
        folder: 'node_modules/a',
        name: 'a',
        version: '1.0.0',
        licence,
        integrity: 'sha512-a',
        imports: ['node_modules/a/node_modules/b'],
      },
      {
        folder: 'node_modules/a/node_modules/b',
        name: 'b',
        version: '2.0.0',
        licence,
        integrity: 'sha512-b',
        imports: [],
      },
    ],
    ownImports: ['node_modules/a'],
  });
});

test('where the packages are reached by a link, they are the same', async () => {
  lock({ 'node_modules/a': 'sha512-a', 'node_modules/a/node_modules/b': 'sha512-b' });
  const before = bundledPackages(root, await metafileOf());
  const elsewhere = mkdtempSync(join(tmpdir(), 'packages-'));
  onTestFinished(() => rmSync(elsewhere, { recursive: true }));
  renameSync(join(root, 'node_modules'), join(elsewhere, 'node_modules'));
  symlinkSync(join(elsewhere, 'node_modules'), join(root, 'node_modules'));
  const metafile = await metafileOf();
  expect(Object.keys(metafile.inputs).join()).toContain('../');
  expect(bundledPackages(root, metafile)).toEqual(before);
});

test('a package that is not in the lock file is refused by name', async () => {
  lock({ 'node_modules/a': 'sha512-a' });
  const metafile = await metafileOf();
  expect(() => bundledPackages(root, metafile)).toThrow(
    'node_modules/a/node_modules/b is not in package-lock',
  );
});

test('a package that does not say its licence is refused by name', async () => {
  lock({ 'node_modules/a': 'sha512-a', 'node_modules/a/node_modules/b': 'sha512-b' });
  write('node_modules/a/package.json', `{"name": "a", "version": "1.0.0"}`);
  const metafile = await metafileOf();
  expect(() => bundledPackages(root, metafile)).toThrow(
    'node_modules/a/package.json does not say its licence',
  );
});

function write(path: string, text: string): void {
  mkdirSync(join(root, dirname(path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function writePackage(folder: string, version: string, source: string): void {
  const name = folder.replace(/^.*node_modules\//, '');
  const manifest = { name, version, license: 'MIT', type: 'module', sideEffects: false };
  write(`${folder}/package.json`, JSON.stringify(manifest));
  write(`${folder}/index.js`, source);
}

function lock(packages: Readonly<Record<string, string>>): void {
  const entries = Object.entries(packages).map(([path, integrity]) => [path, { integrity }]);
  write('package-lock.json', JSON.stringify({ packages: Object.fromEntries(entries) }));
}

async function metafileOf() {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['main.js'],
    outdir: 'out',
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
    metafile: true,
  });
  return metafile;
}
