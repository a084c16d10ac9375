import type { BundledPackage, BundledPackages } from './bundled-packages.ts';

/** This program, as its package.json describes it. */
export interface Product {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
}

/** A file that the build made: its name, and the SHA-256 of its bytes in hex. */
export interface BuiltFile {
  readonly name: string;
  readonly sha256: string;
}

/**
 * What is in the bundle, for people and scanners, in CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/). The same
 * input gives the same text: it has no serial number and no time.
 */
export function billOfMaterials(
  product: Product,
  { packages, ownImports }: BundledPackages,
  sqliteVersion: string,
  files: readonly BuiltFile[],
): string {
  const byFolder = new Map(packages.map((each) => [each.folder, purlOf(each)]));
  const purlsOf = (folders: readonly string[]) => folders.map((folder) => byFolder.get(folder));
  const own = purlOf(product);
  const sqlite = sqliteComponent(sqliteVersion);
  const usesSqlite = ({ name }: BundledPackage) => name === 'better-sqlite3';
  const bill = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      lifecycles: [{ phase: 'build' }],
      component: {
        type: 'application',
        'bom-ref': own,
        name: product.name,
        version: product.version,
        description: product.description,
        licenses: licensesOf(product.license),
        purl: own,
        components: files.map(({ name, sha256 }) => ({
          type: 'file',
          name,
          hashes: [{ alg: 'SHA-256', content: sha256 }],
        })),
      },
    },
    components: [...packages.map(packageComponent), sqlite],
    dependencies: [
      { ref: own, dependsOn: purlsOf(ownImports) },
      ...packages.map((each) => ({
        ref: purlOf(each),
        dependsOn: [...purlsOf(each.imports), ...(usesSqlite(each) ? [sqlite['bom-ref']] : [])],
      })),
      { ref: sqlite['bom-ref'], dependsOn: [] },
    ],
  };
  return `${JSON.stringify(bill, null, 2)}\n`;
}

function packageComponent(each: BundledPackage) {
  const purl = purlOf(each);
  return {
    type: 'library',
    'bom-ref': purl,
    name: each.name,
    version: each.version,
    hashes: [{ alg: 'SHA-512', content: sha512Of(each) }],
    licenses: licensesOf(each.licence),
    purl,
  };
}

/** The database itself: no package, but compiled into the native file; scanners know its weaknesses by the CPE. */
function sqliteComponent(version: string) {
  const purl = `pkg:generic/sqlite@${version}`;
  return {
    type: 'library',
    'bom-ref': purl,
    name: 'sqlite',
    version,
    licenses: licensesOf('blessing'),
    cpe: `cpe:2.3:a:sqlite:sqlite:${version}:*:*:*:*:*:*:*`,
    purl,
  };
}

/** https://github.com/package-url/purl-spec: the @ of a scope is encoded. */
function purlOf({ name, version }: { readonly name: string; readonly version: string }): string {
  return `pkg:npm/${name.replace(/^@/, '%40')}@${version}`;
}

function licensesOf(licence: string) {
  return /[ ()]/.test(licence) ? [{ expression: licence }] : [{ license: { id: licence } }];
}

function sha512Of({ name, integrity }: BundledPackage): string {
  const [, base64] = /^sha512-(\S+)$/.exec(integrity) ?? [];
  if (base64 === undefined) throw new Error(`package-lock.json has no SHA-512 of ${name}: ${integrity}`);
  return Buffer.from(base64, 'base64').toString('hex');
}
