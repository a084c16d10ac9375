import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';

/** A package of which something is in the bundle. */
export interface BundledPackage {
  /** Its folder, relative to the repository. */
  readonly folder: string;
  readonly name: string;
  readonly version: string;
  /** As its package.json declares it: an identifier or an expression of SPDX. */
  readonly licence: string;
  /** Of its archive, as the lock file has it: `sha512-…`. */
  readonly integrity: string;
  /** Folders of those that its bundled code imports. */
  readonly imports: readonly string[];
}

/** Where this program's own files are. */
const OWN_FOLDER = '';

/**
 * The packages that esbuild put something of into its outputs, by folder; what it left out as unused is none of them.
 * `ownImports` are the folders of those that this program imports itself.
 * @throws Error where a package does not say its licence, or is not in the lock file
 */
export function bundledPackages(root: string, metafile: Metafile): BundledPackages {
  const files = Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs)
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([path]) => path),
  );
  const bundled = new Set(files.map(folderOf));
  const imports = importsByFolder(metafile);
  const lock: Lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const folders = [...bundled].filter((folder) => folder !== OWN_FOLDER).sort();
  return {
    packages: folders.map((folder) => ({
      ...manifestOf(root, folder),
      folder,
      integrity: lock.packages[folder]?.integrity ?? fail(`${folder} is not in package-lock.json`),
      imports: importsOf(folder),
    })),
    ownImports: importsOf(OWN_FOLDER),
  };

  function importsOf(folder: string): readonly string[] {
    return [...(imports.get(folder) ?? [])].filter((other) => other !== folder && bundled.has(other)).sort();
  }
}

export interface BundledPackages {
  readonly packages: readonly BundledPackage[];
  readonly ownImports: readonly string[];
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly integrity?: string }>>;
}

/** Of each folder: those that its files import from, also by files of which nothing but their imports is left. */
function importsByFolder({ inputs }: Metafile): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const [file, { imports }] of Object.entries(inputs)) {
    const targets = found.get(folderOf(file)) ?? new Set();
    for (const { path, external } of imports) if (!external && !isOfNode(path)) targets.add(folderOf(path));
    found.set(folderOf(file), targets);
  }
  return found;
}

/** Whether it stands for a module of Node, in the namespace that the build gives them. */
function isOfNode(path: string): boolean {
  return path.startsWith('node:');
}

/** The package's folder that a file is in, nested or reached by a link; this program's own where it is in none. */
function folderOf(path: string): string {
  return /(?:^|\/)(node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? OWN_FOLDER;
}

function manifestOf(root: string, folder: string) {
  const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  if (typeof license !== 'string') fail(`${folder}/package.json does not say its licence`);
  return { name: name as string, version: version as string, licence: license as string };
}

function fail(what: string): never {
  throw new Error(what);
}
