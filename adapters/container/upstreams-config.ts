import { readFileSync } from 'node:fs';
import type { GivenSettings } from './given-settings.ts';
import type { ConfiguredUpstream, KeySources, UpstreamsReading } from './upstreams-file.ts';
import { onlyUpstream, readUpstreams } from './upstreams-file.ts';

const DEFAULT_BASE_URL = 'https://api.deepseek.com/v1';

/** Each alone is an upstream. */
export const UPSTREAM_SETTINGS = ['UPSTREAM_BASE_URL', 'UPSTREAM_API_KEY', 'UPSTREAMS_FILE'] as const;

/** Those of a file, or the one of the environment: a key alone is for the default, a base URL alone asks for no key. */
export function upstreamsOf(given: GivenSettings, problems: string[]): readonly ConfiguredUpstream[] {
  const [baseUrl, apiKey, path] = UPSTREAM_SETTINGS.map((name) => given[name]?.value);
  const single = ['UPSTREAM_BASE_URL', 'UPSTREAM_API_KEY'].flatMap((name) => given[name]?.name ?? []);
  if (path === undefined) {
    return single.length === 0 ? [] : [onlyUpstream(baseUrl ?? DEFAULT_BASE_URL, apiKey ?? null)];
  }
  if (single.length > 0) {
    problems.push(
      `UPSTREAMS_FILE and ${single.join(' and ')} are set: unset one of them, or write all into the file`,
    );
  }
  const read = readFile(path, (name) => given[name]?.value);
  if (read.ok) return read.upstreams;
  problems.push(...read.problems.map((problem) => `UPSTREAMS_FILE is '${path}': ${problem}`));
  return [];
}

function readFile(path: string, variable: KeySources['variable']): UpstreamsReading {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { ok: false, problems: [`the file cannot be read (${why})`] };
  }
  return readUpstreams(text, { variable, file: (name) => readFileSync(name, 'utf8') });
}
