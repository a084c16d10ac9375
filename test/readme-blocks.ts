import { cpSync, readFileSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const NOT_COPIED = new Set(['node_modules', 'data', 'dist', '.git', '.env']);

/** A fenced shell block. The word after `sh` says what runs it. */
export interface Block {
  readonly by: string;
  readonly script: string;
}

/** The shell blocks of a page, in order. */
export function blocksOf(page: string): readonly Block[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  return [...text.matchAll(/^```sh ?(.*)\n([\s\S]*?)^```$/gm)].map(([, by = '', script = '']) => ({
    by,
    script,
  }));
}

/** Makes `folder` what a fresh clone is after `npm ci`. */
export function copyRepository(folder: string): void {
  cpSync(ROOT, folder, { recursive: true, filter: (path) => !NOT_COPIED.has(basename(path)) });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
}
