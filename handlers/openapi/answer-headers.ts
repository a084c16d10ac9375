import type { Reference } from './operation.ts';
import type { Schema } from './schema-of.ts';

interface Header {
  readonly description: string;
  readonly schema: Schema;
  readonly example: string;
}

function header(description: string, example: string, type: 'string' | 'integer' = 'string'): Header {
  return { description, schema: { type }, example };
}

const RATE = {
  'x-ratelimit-limit-requests': header('Requests per minute, where a rate limit applies', '60', 'integer'),
  'x-ratelimit-remaining-requests': header('What is left of them', '59', 'integer'),
  'x-ratelimit-reset-requests': header('Until all of them are there again', '1s'),
  'x-ratelimit-limit-tokens': header('Tokens per minute, where such a quota applies', '100000', 'integer'),
  'x-ratelimit-remaining-tokens': header('What is left of them', '98300', 'integer'),
  'x-ratelimit-reset-tokens': header('Until the quota starts anew', '42s'),
  'x-quota-remaining-requests': header('The least that is left of any quota of requests', '41', 'integer'),
  'x-quota-remaining-tokens': header('The least that is left of any quota of tokens', '98300', 'integer'),
  'x-quota-remaining-cost': header(
    'The least that is left of any quota of cost, in micros',
    '730000',
    'integer',
  ),
  'ratelimit-policy': header('All limits, in the words of the IETF draft', '"rate";q=60;w=60'),
  ratelimit: header('What is left of them', '"rate";r=59;t=1'),
  'x-quota-max-tokens': header(
    'The output that was reserved, where the proxy set or lowered it',
    '4096',
    'integer',
  ),
} as const satisfies Readonly<Record<string, Header>>;

const ALWAYS = {
  'x-request-id': header(
    'Names this call in the log, and its receipt',
    '01a212c5-9b2e-7082-82d8-99cd58823b2b',
  ),
} as const;

const OF_REFUSALS = {
  'retry-after': header('Seconds, where waiting up to a minute helps', '12', 'integer'),
  'x-should-retry': header('`false`: trying again cannot help, or could be charged twice', 'false'),
} as const;

const OF_FILES = {
  'x-next-cursor': header('`cursor` of the next page of a file; absent on the last one', 'e1k'),
} as const;

const OF_CHANGES = {
  'idempotent-replayed': header(
    '`true`: a call with this `Idempotency-Key` was answered before, and this is that answer',
    'true',
  ),
} as const;

/** Headers of answers, by name. */
export const HEADERS: Readonly<Record<string, Header>> = {
  ...ALWAYS,
  ...RATE,
  ...OF_REFUSALS,
  ...OF_FILES,
  ...OF_CHANGES,
};

type References = Readonly<Record<string, Reference>>;

/** That every answer has. */
export const headersOfAll: References = referring(ALWAYS);
/** That an answer of the admin API may have where it can be a file. */
export const headersOfFiles: References = referring({ ...ALWAYS, ...OF_FILES });
/** That an answer of the admin API may have where something was changed. */
export const headersOfChanges: References = referring({ ...ALWAYS, ...OF_CHANGES });
/** That a metered answer may have. */
export const headersOfMetered: References = referring({ ...ALWAYS, ...RATE });
/** That an error may have where there are limits. */
export const headersOfRefusals: References = referring({ ...ALWAYS, ...RATE, ...OF_REFUSALS });

/** That an error may have where there are none, and waiting can help. */
export const headersOfWaits: References = referring({ ...ALWAYS, ...OF_REFUSALS });

function referring(headers: Readonly<Record<string, Header>>): References {
  return Object.fromEntries(
    Object.keys(headers).map((name) => [name, { $ref: `#/components/headers/${name}` }]),
  );
}
