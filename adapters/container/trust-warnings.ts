import { parseRange } from '#core/address.ts';

/** `fc00::/7` is the widest range that holds nothing but a house's own addresses. */
const PREFIX_MIN = 7;

/** What the operator should know of TRUSTED_PROXIES: whoever is trusted names its own address. */
export function trustWarnings(trustedProxies: readonly string[]): string[] {
  const wide = trustedProxies.filter((range) => (parseRange(range)?.prefix ?? 0) < PREFIX_MIN);
  return wide.map(
    (range) =>
      `TRUSTED_PROXIES has ${range}: whoever connects from there chooses the address that ips and the ` +
      'operation log see. List the addresses of your proxies alone.',
  );
}
