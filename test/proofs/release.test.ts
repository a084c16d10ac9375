import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import manifest from '#package.json' with { type: 'json' };
import { runCommand } from '#test/fakes/server-process.ts';
import { copyRepository } from '#test/readme-blocks.ts';

const ROOT = join(import.meta.dirname, '../..');

/** An entry of package-lock.json. */
interface Locked {
  readonly version: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
}

test('the program, the image and the lock file are of the version that package.json names', async () => {
  expect((await runCommand(['version'])).stdout).toBe(`${manifest.version}\n`);
  expect(textOf('Dockerfile').match(/^ARG VERSION=.+$/gm)).toEqual([`ARG VERSION=${manifest.version}`]);
  expect(textOf('Dockerfile')).toContain(`image.description="${manifest.description}"`);
  expect(textOf('Dockerfile')).toContain(`image.licenses=${manifest.license} `);
  const lock = JSON.parse(textOf('package-lock.json'));
  expect([lock.version, lock.packages[''].version]).toEqual([manifest.version, manifest.version]);
});

test('`npm version` changes it everywhere', () => {
  const folder = mkdtempSync(join(tmpdir(), 'release-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  copyRepository(folder);
  execFileSync('git', ['init', '--quiet'], { cwd: folder });
  execFileSync('npm', ['version', '--no-git-tag-version', '7.8.9'], { cwd: folder, stdio: 'pipe' });
  const changed = (path: string) => readFileSync(join(folder, path), 'utf8');
  expect(JSON.parse(changed('package.json')).version).toBe('7.8.9');
  expect(changed('Dockerfile')).toBe(
    textOf('Dockerfile').replace(`ARG VERSION=${manifest.version}`, 'ARG VERSION=7.8.9'),
  );
});

test('the image is built of the same files here, where deploy.sh brings them, and in the Dockerfile', () => {
  const sent = /^FOR_THE_IMAGE=\((.+)\)$/m.exec(textOf('scripts/deploy.sh'))?.[1]?.split(' ') ?? [];
  const letIn = [...textOf('.dockerignore').matchAll(/^!(.+)$/gm)].map(([, name]) => name);
  const copied = [...textOf('Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names = '']) =>
    names.split(' '),
  );
  expect([...letIn].sort()).toEqual([...copied].sort());
  expect([...sent].sort()).toEqual(['Dockerfile', '.dockerignore', ...copied].sort());
});

test('the changelog tells of this version, and of what is to come, in the form of Keep a Changelog', () => {
  const headings = [...textOf('CHANGELOG.md').matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
  expect(headings[0]).toBe('[Unreleased]');
  expect(headings[1]).toMatch(
    new RegExp(`^\\[${manifest.version.replaceAll('.', '\\.')}\\] - \\d{4}-\\d{2}-\\d{2}$`),
  );
  const kinds = [...textOf('CHANGELOG.md').matchAll(/^### (.+)$/gm)].map(([, kind]) => kind);
  for (const kind of kinds) expect(kind).toMatch(/^(Added|Changed|Deprecated|Removed|Fixed|Security)$/);
});

test('what is installed is what the lock file knows by its digest, wherever it comes from', () => {
  expect(complaints(lockedPackages())).toEqual([]);
});

test.each([
  { name: 'without a digest', of: { version: '1.0.0' } },
  { name: 'with a weak digest', of: { version: '1.0.0', integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' } },
  {
    name: 'from elsewhere',
    of: { version: '1.0.0', integrity: 'sha512-AA==', resolved: 'https://example.org/a.tgz' },
  },
  {
    name: 'that runs a script',
    of: { version: '1.0.0', integrity: 'sha512-AA==', hasInstallScript: true },
  },
])('the control: a package $name is noticed', ({ of }) => {
  expect(complaints({ 'node_modules/a': of })).toHaveLength(1);
});

/** What is wrong with locked packages: those that the server needs must do without scripts, too. */
function complaints(packages: Readonly<Record<string, Locked>>): string[] {
  return Object.entries(packages).flatMap(([path, { resolved, integrity, dev, hasInstallScript }]) => [
    ...(/^sha512-[A-Za-z0-9+/]+=*$/.test(integrity ?? '') ? [] : [`${path}: its digest is ${integrity}`]),
    // Without an address npm asks whatever registry it is set to; the digest is the same everywhere.
    ...(resolved === undefined ? [] : [`${path} is from ${resolved}`]),
    ...(hasInstallScript === true && dev !== true ? [`${path} runs a script when it is installed`] : []),
  ]);
}

function lockedPackages(): Record<string, Locked> {
  const { '': _, ...packages } = JSON.parse(textOf('package-lock.json')).packages;
  expect(Object.keys(packages).length).toBeGreaterThan(100);
  return packages;
}

function textOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}
