import { crc32 } from 'node:zlib';

/** Of the database that `fill-growth.ts` fills, so that the load generator knows the secrets of its keys. */
export const BENCH_PEPPER = 'a-pepper-of-the-bench-0123456789abcdef';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** The secret of the n-th key, from 0 on: 33 digits and the checksum, without which no key is even looked up. */
export function secretNumber(n: number): string {
  const body = `sk-${String(n).padStart(33, '0')}`;
  let checksum = '';
  for (let rest = crc32(body); checksum.length < 6; rest = Math.floor(rest / 62)) {
    checksum = ALPHABET[rest % 62] + checksum;
  }
  return body + checksum;
}
