import * as z from 'zod';
import { parseRange } from '#core/address.ts';

/** What a word of the list stands for. A container's peers have private addresses that nobody knows beforehand. */
const WORDS: ReadonlyMap<string, readonly string[]> = new Map([
  ['loopback', ['127.0.0.0/8', '::1/128']],
  // RFC 1918, RFC 4193
  ['private', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']],
]);

/** A setting that lists addresses, ranges and words, with commas between: the ranges that it stands for. */
export function addressList() {
  return z.string().transform((list, context) => {
    const entries = list
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== '');
    const bad = entries.find((entry) => !WORDS.has(entry) && parseRange(entry) === undefined);
    if (bad !== undefined || entries.length === 0) {
      const what = bad === undefined ? 'names nobody' : `'${bad}' is no address`;
      const message = `${what}: list addresses and CIDR ranges such as 203.0.113.7 or 2001:db8::/32, loopback, private`;
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    }
    return entries.flatMap((entry) => WORDS.get(entry) ?? [entry]);
  });
}
