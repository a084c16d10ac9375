import type { VaultFailureKind } from '#core/vault.ts';
import { VaultConflict, VaultFailure } from '#core/vault.ts';

/** What a failure's message needs to know of the vault. */
export interface Place {
  readonly location: string;
  readonly bucket: string;
  /** Without credentials, should any be in the URL. */
  readonly endpoint: string;
}

interface Reason {
  readonly kind: VaultFailureKind;
  readonly hint: string;
}

/** Answers that say it is for now: too many requests, a store that is starting, a conflict of two writers. */
const FOR_NOW = [408, 409, 425, 429];
/** Codes for credentials that are wrong, which come with 400, 403 or 404; the last is versitygw's. */
const WRONG_CREDENTIALS = /Signature|AccessKey|Token|Credential|XAdminUser/;

/** What went wrong with `what`, as the port promises it: one line, and no word of what the store wrote. */
export function failureOf(place: Place, what: string, error: unknown): VaultConflict | VaultFailure {
  if (error instanceof VaultConflict || error instanceof VaultFailure) return error;
  const status = statusOf(error);
  const name = nameOf(error);
  const { kind, hint } = reasonOf(place, status, name);
  const answer = status === undefined ? name : `${status} ${name}`;
  return new VaultFailure(kind, `${place.location}: ${what}: ${answer}: ${hint}`, {
    cause: withoutInside(error),
  });
}

/** For `catch`: an answer of this status, or with a code of this name, is `value`; anything else is thrown on. */
export function answered<T>(expected: number | string, value: T): (error: unknown) => T {
  return (error) => {
    if (statusOf(error) === expected || nameOf(error) === expected) return value;
    throw error;
  };
}

function reasonOf({ bucket, endpoint }: Place, status: number | undefined, name: string): Reason {
  if (name === 'NoSuchBucket') {
    return { kind: 'missing', hint: `create the bucket ${bucket} at ${endpoint}, or name another` };
  }
  if (name === 'RequestTimeTooSkewed') return { kind: 'denied', hint: 'set the clock of this machine' };
  if (WRONG_CREDENTIALS.test(name)) {
    return { kind: 'denied', hint: `check the access key and the secret key for ${bucket}` };
  }
  // An answer to HEAD cannot say why; this is how AWS refuses a session that has ended, and a wrong region.
  if (status === 400 && name === 'Unknown') {
    return { kind: 'denied', hint: `check credentials, region and endpoint for ${bucket}` };
  }
  if (status === 401 || status === 403) {
    return {
      kind: 'denied',
      hint: `let these credentials list ${bucket}, and read, write and delete below its prefix`,
    };
  }
  if (status === 501) return { kind: 'broken', hint: `${endpoint} does not support it; use another store` };
  // S3 says 400 RequestTimeout where a body did not come in time.
  if ((status !== undefined && (status >= 500 || FOR_NOW.includes(status))) || name === 'RequestTimeout') {
    return { kind: 'unreachable', hint: `${endpoint} is in trouble; look at its log, and try again later` };
  }
  if (status !== undefined || name.startsWith('HPE_')) {
    return { kind: 'broken', hint: `no answer of an object store; check ${endpoint}, region and bucket` };
  }
  // What the SDK says of its configuration, before it sends anything.
  if (name === 'Error') return { kind: 'broken', hint: 'check region and endpoint' };
  return { kind: 'unreachable', hint: `check that ${endpoint} can be reached from here, then try again` };
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } } | undefined)?.$metadata?.httpStatusCode;
}

/** `NoSuchKey`, `ECONNREFUSED`; an answer to HEAD has no body, and is `NotFound` or `Unknown`. */
function nameOf(error: unknown): string {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  const given = typeof code === 'string' ? code : typeof name === 'string' ? name : 'Error';
  return /^\w{1,64}$/.test(given) ? given : 'Error';
}

/** A store's refusal repeats the request that it refused, session token and all. */
function withoutInside(error: unknown): unknown {
  if (statusOf(error) === undefined || !(error instanceof Error)) return error;
  const bare = new Error(error.message.replaceAll(/\s+/g, ' '));
  bare.name = error.name;
  return bare;
}
