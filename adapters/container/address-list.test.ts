import { expect, test } from 'vitest';
import { readConfig } from './config.ts';
import { ConfigError } from './config-error.ts';

const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'];

test.each([
  { list: '203.0.113.7', ranges: ['203.0.113.7'] },
  { list: ' 10.0.0.2 , 2001:db8::/32,', ranges: ['10.0.0.2', '2001:db8::/32'] },
  { list: 'loopback', ranges: ['127.0.0.0/8', '::1/128'] },
  { list: 'private, 203.0.113.7', ranges: [...PRIVATE, '203.0.113.7'] },
])("'$list' stands for $ranges", ({ list, ranges }) => {
  const config = readConfig({ TRUSTED_PROXIES: list, ADMIN_ALLOWED_IPS: list });
  expect(config).toMatchObject({ trustedProxies: ranges, adminAddresses: ranges });
});

test.each([
  { list: '10.0.0.2, caddy', says: "'caddy' is no address" },
  { list: '10.0.0.0/33', says: "'10.0.0.0/33' is no address" },
  { list: '10.0.0.2 10.0.0.3', says: "'10.0.0.2 10.0.0.3' is no address" },
  { list: '[::1]', says: "'[::1]' is no address" },
  { list: '*', says: "'*' is no address" },
  { list: 'Private', says: "'Private' is no address" },
  { list: ',', says: 'names nobody' },
])("'$list' is refused by its bad entry", ({ list, says }) => {
  for (const name of ['TRUSTED_PROXIES', 'ADMIN_ALLOWED_IPS']) {
    const problem = `${name} is '${list}': ${says}: list addresses and CIDR ranges such as 203.0.113.7 or 2001:db8::/32, loopback, private`;
    expect(() => readConfig({ [name]: list })).toThrow(new ConfigError([problem]));
  }
});
