import * as z from 'zod';
import { BREAKER_RULE, type BreakerRule } from '#core/breaker.ts';
import { DIALECTS } from '#core/upstream.ts';
import type { ModelNames } from '#core/upstream-choice.ts';
import type { UpstreamTerms } from '#core/upstreams.ts';
import { ONLY_UPSTREAM } from '#core/upstreams.ts';
import { fileJson } from './file-json.ts';
import { fileProblem } from './file-problem.ts';
import { apiKey, baseUrl } from './upstream-settings.ts';

/** An upstream as it is configured. */
export interface ConfiguredUpstream extends UpstreamTerms {
  /** `null` for an upstream that asks for none. */
  readonly apiKey: string | null;
}

/** What is reached from the file. What is not there is `undefined`. */
export interface KeySources {
  variable(name: string): string | undefined;
  /** @throws Error if it cannot be read */
  file(path: string): string;
}

export type UpstreamsReading =
  | { readonly ok: true; readonly upstreams: readonly ConfiguredUpstream[] }
  | { readonly ok: false; readonly problems: readonly string[] };

/** As many as an account's limit is small: more that wait than this wait longer than anybody does. */
const QUEUE_LENGTH_MAX = 100;
/** Less than a minute, after which many a client or proxy before this one hangs up. */
const QUEUE_WAIT_MS_MAX = 30_000;
/** A reservation lapses ten minutes after its exchange must be over: this, twice, is within that. */
const QUEUE_WAIT_MS_LIMIT = 4 * 60_000;

const whole = (from: number, to: number) => {
  const error = `must be a whole number from ${from} to ${to}`;
  return z.int({ error }).min(from, { error }).max(to, { error });
};
/** A window is looked at in ten steps: shorter than this they would be empty. */
const BREAKER_WINDOW_MS_MIN = 1_000;
const HOUR_MS = 3_600_000;
const share = { error: 'must be a number above 0, and at most 1' };

const breaker = z.strictObject({
  window_ms: whole(BREAKER_WINDOW_MS_MIN, HOUR_MS).default(BREAKER_RULE.windowMs),
  samples_min: whole(1, 10_000).default(BREAKER_RULE.samplesMin),
  failure_share: z.number(share).gt(0, share).max(1, share).default(BREAKER_RULE.failureShare),
  open_ms: whole(1, HOUR_MS).default(BREAKER_RULE.openMs),
});

const modelName = z.string().min(1, { error: 'must not be empty' }).max(256);
const plainName = modelName.refine((name) => !name.includes('*'), {
  error: 'must name one model: * stands in a list only',
});
const pattern = modelName.refine((name) => !name.slice(0, -1).includes('*'), {
  error: 'may have a * at its end only',
});

const upstream = z
  .strictObject({
    name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$/, {
      error: 'must be 1 to 40 letters, digits, - _ or . and begin with a letter or digit',
    }),
    base_url: baseUrl('name the key in api_key_env or api_key_file'),
    api_key_env: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'must be the name of a variable, not the key itself' })
      .optional(),
    api_key_file: z.string().min(1).optional(),
    models: z
      .union(
        [
          z.array(pattern).min(1, { error: 'must name one model at least: leave it out for all' }),
          z.record(plainName, plainName),
        ],
        {
          error:
            'must be a list of models, with at most one * at the end of each, or an object of names: theirs',
        },
      )
      .optional(),
    dialects: z
      .array(z.enum(DIALECTS, { error: `must be ${DIALECTS.join(' or ')}` }))
      .min(1, { error: 'must name one dialect at least: leave it out for both' })
      .default([...DIALECTS]),
    weight: whole(1, 1_000).default(1),
    priority: whole(0, 1_000).default(0),
    max_concurrency: whole(1, 100_000).optional(),
    queue_length_max: whole(0, 10_000).default(QUEUE_LENGTH_MAX),
    queue_wait_ms_max: whole(1, QUEUE_WAIT_MS_LIMIT).default(QUEUE_WAIT_MS_MAX),
    breaker: breaker.prefault({}),
  })
  .refine((entry) => entry.api_key_env === undefined || entry.api_key_file === undefined, {
    error: 'has api_key_env and api_key_file: leave one of them out',
  });

const upstreamsFile = z.strictObject({
  upstreams: z.array(upstream).min(1, { error: 'must hold one upstream at least' }),
});

/** The one upstream that the environment, or a demonstration, names. */
export function onlyUpstream(baseUrl: string, apiKey: string | null): ConfiguredUpstream {
  return {
    ...{ name: ONLY_UPSTREAM, baseUrl, apiKey, models: null, dialects: DIALECTS },
    ...{ weight: 1, priority: 0, maxConcurrency: null, queueLengthMax: 0, queueWaitMsMax: 0 },
    breaker: BREAKER_RULE,
    settings: { baseUrl: 'UPSTREAM_BASE_URL', apiKey: 'UPSTREAM_API_KEY' },
  };
}

type Entry = z.infer<typeof upstream>;

/** Reads a list of upstreams: JSON, without keys, which are in the environment or in files. */
export function readUpstreams(text: string, sources: KeySources): UpstreamsReading {
  const json = fileJson(text);
  if (!json.ok) return json;
  const { value } = json;
  const read = upstreamsFile.safeParse(value, { error: fileProblem });
  const problems = (read.error?.issues ?? []).map(
    ({ path, message }) => `${nameOf(path, value)}: ${message}`,
  );
  const entries = entriesIn(value);
  const names = entries.map((entry) => (entry as { name?: unknown } | null)?.name).filter(isText);
  if (new Set(names).size < names.length) {
    problems.push('upstreams: two have the same name: each needs one of its own');
  }
  // Where an entry is wrong, the keys of the others are looked for all the same.
  const right = read.data?.upstreams ?? entries.flatMap((entry) => upstream.safeParse(entry).data ?? []);
  const upstreams = right.map((entry) => configured(entry, sources, problems));
  return problems.length > 0 ? { ok: false, problems } : { ok: true, upstreams };
}

function entriesIn(value: unknown): readonly unknown[] {
  const list = (value as { upstreams?: unknown } | null)?.upstreams;
  return Array.isArray(list) ? list : [];
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function configured(entry: Entry, sources: KeySources, problems: string[]): ConfiguredUpstream {
  const { name, api_key_env: variable, api_key_file: path } = entry;
  return {
    name,
    baseUrl: entry.base_url,
    apiKey: keyOf(entry, sources, problems),
    models: entry.models === undefined ? null : namesOf(entry.models),
    dialects: entry.dialects,
    weight: entry.weight,
    priority: entry.priority,
    maxConcurrency: entry.max_concurrency ?? null,
    queueLengthMax: entry.queue_length_max,
    queueWaitMsMax: entry.queue_wait_ms_max,
    breaker: ruleOf(entry.breaker),
    settings: { baseUrl: 'its base_url', apiKey: variable ?? path ?? 'its api_key_env' },
  };
}

function ruleOf(given: Entry['breaker']): BreakerRule {
  return {
    windowMs: given.window_ms,
    samplesMin: given.samples_min,
    failureShare: given.failure_share,
    openMs: given.open_ms,
  };
}

function namesOf(models: NonNullable<Entry['models']>): ModelNames {
  if (!Array.isArray(models)) return { exact: new Map(Object.entries(models)), prefixes: [] };
  const [prefixes, exact] = [true, false].map((ends) => models.filter((name) => name.endsWith('*') === ends));
  return {
    exact: new Map((exact ?? []).map((name) => [name, name])),
    prefixes: (prefixes ?? []).map((name) => name.slice(0, -1)),
  };
}

function keyOf(
  { name, api_key_env: variable, api_key_file: path }: Entry,
  sources: KeySources,
  problems: string[],
): string | null {
  const wrong = (what: string) => void problems.push(`upstream ${name}: ${what}`);
  if (variable === undefined && path === undefined) return null;
  let text: string | undefined;
  try {
    text = path === undefined ? sources.variable(variable ?? '') : sources.file(path).trim();
  } catch (error) {
    wrong(`api_key_file '${path}' cannot be read (${error instanceof Error ? error.message : error})`);
    return null;
  }
  if (text === undefined) {
    wrong(`api_key_env names ${variable}, which is not set: set it to the key`);
    return null;
  }
  const read = apiKey().safeParse(text);
  if (read.success) return read.data;
  for (const { message } of read.error.issues) wrong(`the key in ${variable ?? path} ${message}`);
  return null;
}

/** Where in the file: by the name of the upstream, if it has one. */
function nameOf(path: readonly PropertyKey[], value: unknown): string {
  if (path.length === 0) return 'the file';
  const [list, index, ...rest] = path;
  const entry =
    typeof index === 'number' ? (entriesIn(value)[index] as { name?: unknown } | null) : undefined;
  const name = typeof entry?.name === 'string' && rest[0] !== 'name' ? `upstream ${entry.name}` : undefined;
  const where = name === undefined ? [list, index].filter((part) => part !== undefined) : [name];
  return [...where, ...rest].map(String).join(' → ');
}
