import { expect, test } from 'vitest';
import { trustWarnings } from './trust-warnings.ts';

test.each(['0.0.0.0/0', '::/0', '0.0.0.0/1', '128.0.0.0/1', '2000::/3', '64.0.0.0/6'])(
  'to trust %s is to trust strangers',
  (range) => {
    expect(trustWarnings(['10.0.0.2', range])).toEqual([
      `TRUSTED_PROXIES has ${range}: whoever connects from there chooses the address that ips and the operation log see. List the addresses of your proxies alone.`,
    ]);
  },
);

test.each(['10.0.0.0/8', 'fc00::/7', '127.0.0.0/8', '::1/128', '203.0.113.7', '2001:db8::1'])(
  'to trust %s is not',
  (range) => {
    expect(trustWarnings([range])).toEqual([]);
  },
);
