import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Version } from '@cyclonedx/cyclonedx-library/Spec';
import { JsonStrictValidator } from '@cyclonedx/cyclonedx-library/Validation';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import manifest from '#package.json' with { type: 'json' };

const ROOT = join(import.meta.dirname, '../..');
const VALIDATOR = new JsonStrictValidator(Version.v1dot6);

interface Component {
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly hashes: readonly { readonly alg: string; readonly content: string }[];
}

let built: string;
let bill: string;
let components: readonly Component[];

beforeAll(() => {
  built = buildInto(ROOT);
  bill = readFileSync(join(built, 'sbom.cdx.json'), 'utf8');
  ({ components } = JSON.parse(bill));
});

afterAll(() => rmSync(built, { recursive: true }));

test('the bill of materials is what the schema of CycloneDX says', async () => {
  expect(await VALIDATOR.validate(bill)).toBeNull();
});

test.each([
  { name: 'a licence that is none', from: '"id": "MIT"', to: '"id": "MIT-ish"' },
  { name: 'a member that is none', from: '"version": 1,', to: '"version": 1, "origin": "here",' },
  { name: 'a package twice', from: '"components": [\n    {', to: '"components": [\n    {},{},\n    {' },
])('the control: $name is no bill', async ({ from, to }) => {
  expect(bill).toContain(from);
  expect(await VALIDATOR.validate(bill.replace(from, to))).not.toBeNull();
});

test('each thread reads it at one byte a character, and has loaded nothing of Node before it runs', () => {
  const text = readFileSync(join(built, 'quota-proxy.mjs'), 'utf8');
  // One other character, and V8 keeps all of it in two bytes each.
  expect([...text].filter((character) => character > '\x7f')).toEqual([]);
  const imported = text.matchAll(/(?:^|;)import\b[^;()]*?\bfrom ?["']([^"']+)["']/gm);
  expect(Array.from(imported, ([, name = '']) => name).filter(isBuiltin)).toEqual(['node:module']);
});

test('of the client of HTTP it has what it uses, and neither its fetch nor its mocks', () => {
  const undici = sources().filter((source) => source.includes('/undici/'));
  expect(undici.length).toBeGreaterThan(10);
  expect(undici.filter((source) => /undici\/(index|lib\/(mock|cache|api))/.test(source))).toEqual([]);
});

test('it lists the packages that the bundle has code of, by the source map, and no others', () => {
  const folders = sources().flatMap(
    (source) => /node_modules\/(?:.*node_modules\/)?(?:@[^/]+\/)?[^/]+/.exec(source)?.[0] ?? [],
  );
  const mapped = [...new Set(folders)].map((folder) => {
    const { name, version } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'));
    return `${name}@${version}`;
  });
  const listed = components.map(({ name, version }) => `${name}@${version}`);
  expect(listed.filter((each) => !each.startsWith('sqlite@')).sort()).toEqual(mapped.sort());
  expect(components.map(({ name }) => name)).toEqual(
    expect.arrayContaining(Object.keys(manifest.dependencies)),
  );
  for (const name of Object.keys(manifest.devDependencies))
    expect(components.map((each) => each.name)).not.toContain(name);
});

test('it names this version, and the files that it is about by their bytes', () => {
  const { component } = JSON.parse(bill).metadata;
  expect(component).toMatchObject({
    name: 'quota-proxy',
    version: manifest.version,
    licenses: [{ license: { id: 'MIT' } }],
  });
  const files = readdirSync(built).filter((name) => /\.(mjs|node)$/.test(name));
  expect(files).toHaveLength(2);
  expect(component.components).toEqual(
    files.map((name) => {
      const content = createHash('sha256')
        .update(readFileSync(join(built, name)))
        .digest('hex');
      return { type: 'file', name, hashes: [{ alg: 'SHA-256', content }] };
    }),
  );
});

test('a package is known by its archive, as the lock file is', () => {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
  const hono = components.find(({ name }) => name === 'hono');
  const [hash] = hono?.hashes ?? [];
  expect(hono?.purl).toBe(`pkg:npm/hono@${manifest.dependencies.hono}`);
  expect(`sha512-${Buffer.from(hash?.content ?? '', 'hex').toString('base64')}`).toBe(
    packages['node_modules/hono'].integrity,
  );
});

test('its SQLite is the one that runs', () => {
  using database = closing(new Database(':memory:'));
  const { version } = database.prepare('SELECT sqlite_version() AS version').get() as { version: string };
  expect(components.find(({ name }) => name === 'sqlite')?.version).toBe(version);
});

test('whoever is in the bill of materials is in the notices', () => {
  const notices = readFileSync(join(built, 'THIRD-PARTY-NOTICES.txt'), 'utf8');
  for (const { name, version } of components.filter((each) => each.name !== 'sqlite'))
    expect(notices).toContain(`\n  ${name} ${version}: `);
  const text = readFileSync(join(ROOT, 'node_modules/hono/LICENSE'), 'utf8').trim();
  expect(notices).toContain(`hono ${manifest.dependencies.hono}\n\n${text}`);
});

test('built again, from another folder and into another, it is the same to the byte', () => {
  const again = buildInto(tmpdir());
  onTestFinished(() => rmSync(again, { recursive: true }));
  expect(readdirSync(again)).toEqual(readdirSync(built));
  for (const name of readdirSync(built).filter((each) => !each.endsWith('.map')))
    expect(readFileSync(join(again, name)).equals(readFileSync(join(built, name))), name).toBe(true);
});

/** The files that something in the program comes from. */
function sources(): readonly string[] {
  return JSON.parse(readFileSync(join(built, 'quota-proxy.mjs.map'), 'utf8')).sources;
}

function buildInto(cwd: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'build-'));
  execFileSync(process.execPath, [join(ROOT, 'build.mjs'), folder], { cwd, stdio: 'pipe' });
  return folder;
}

function closing(database: Database.Database) {
  return Object.assign(database, { [Symbol.dispose]: () => void database.close() });
}
