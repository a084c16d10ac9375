import { formSecret, SECRET_RANDOM_BYTES } from '#core/secret.ts';

/** Of the database that `fill-growth.ts` fills, so that the load generator knows the secrets of its keys. */
export const BENCH_PEPPER = 'a-pepper-of-the-bench-0123456789abcdef';

/** The secret of the n-th key, from 0 on. */
export function secretNumber(n: number): string {
  const random = Buffer.alloc(SECRET_RANDOM_BYTES, 7);
  random.writeUInt32BE(n);
  return formSecret('sk-', random);
}
