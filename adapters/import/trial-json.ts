import { readFileSync, statSync } from 'node:fs';
import { isObject } from '#core/json-body.ts';
import { countIn, labelIn, millisecondsIn } from './cells.ts';
import { daySums, unusedDay } from './day-sums.ts';
import { type ForeignFile, type Found, NotRecognised, type Reading } from './foreign-file.ts';
import { keyProblem, termsProblem, usageProblem } from './problems.ts';

// That system itself kept all of it in memory. This much takes about a gigabyte here.
const BYTES_MAX = 128 * 1024 * 1024;

interface Usage {
  readonly day: string;
  readonly requests: unknown;
}

/** The oldest quota-proxy: one JSON file. @throws NotRecognised if it is too large or no JSON */
export function trialJson(path: string): ForeignFile | undefined {
  const { size } = statSync(path);
  if (size > BYTES_MAX)
    throw new NotRecognised(`${path} is a text of ${size} bytes: too large to be a file of keys`);
  const { keys, usage } = parsed(path);
  if (!isObject(keys) || !(usage === undefined || isObject(usage))) return undefined;
  const { byKey, problems } = usageByKey(usage ?? {});
  return {
    format: 'an older quota-proxy (JSON)',
    keyCount: Object.keys(keys).length,
    pricedModels: null,
    *found(reading) {
      yield* problems;
      for (const [index, [secret, known]] of Object.entries(keys).entries()) {
        yield* keyIn(secret, known, `keys, number ${index + 1}`, byKey.get(secret) ?? [], reading);
      }
      for (const [secret, { length }] of byKey) {
        if (!Object.hasOwn(keys, secret))
          yield usageProblem('is of a key that is not there', 'usage', length);
      }
    },
    close: () => undefined,
  };
}

function* keyIn(
  secret: string,
  known: unknown,
  place: string,
  usage: readonly Usage[],
  { days }: Reading,
): Generator<Found> {
  if (secret === '') return yield keyProblem('has no key', place);
  if (!isObject(known)) return yield keyProblem('is no object', place);
  const createdAt = millisecondsIn(known['created_at']) ?? null;
  if (createdAt === null) yield termsProblem('created_at is no time: it counts as made today', secret);
  const sums = daySums();
  for (const { day: name, requests: cell } of usage) {
    const [day, requests] = [days.named(name), countIn(cell)];
    if (day === undefined) yield usageProblem('is of a day that cannot be', place);
    else if (requests === undefined) yield usageProblem('has a count that cannot be', place);
    else if (requests > 0) sums.add({ ...unusedDay(day), requests });
  }
  const terms = { label: labelIn(known['label']), createdAt, expiresAt: null, disabled: false };
  const key = { secret, ...terms, quotas: null, models: null, ips: null, days: sums.days() };
  yield { kind: 'key', key };
}

function usageByKey(usage: Readonly<Record<string, unknown>>) {
  const byKey = new Map<string, Usage[]>();
  const problems: Found[] = [];
  for (const [day, ofDay] of Object.entries(usage)) {
    if (!isObject(ofDay)) {
      problems.push(usageProblem('is no object', `usage of ${day.slice(0, 20)}`));
      continue;
    }
    for (const [secret, counts] of Object.entries(ofDay)) {
      const of = byKey.get(secret) ?? [];
      // A bare number is one that was counted, too.
      of.push({ day, requests: isObject(counts) ? counts['requests'] : counts });
      byKey.set(secret, of);
    }
  }
  return { byKey, problems };
}

function parsed(path: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return isObject(value) ? value : {};
  } catch {
    throw new NotRecognised(
      `${path} is neither an SQLite database nor JSON: name the database file of the other system`,
    );
  }
}
