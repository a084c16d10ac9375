import type { AddressRange } from './address.ts';
import { canonicalAddress, isWithin } from './address.ts';

/** No chain of proxies is as long: what is farther away than this nobody vouches for. */
const HOPS_MAX = 32;

/**
 * Whose request it is: the nearest address that is not a trusted proxy's. `peer` is that of the connection;
 * `forwardedFor` is X-Forwarded-For, all of its lines joined by commas, to which each proxy has added at its end
 * the address that it was asked from. So it is read from there, and only as far as trusted proxies wrote it:
 * what is before that anybody may have made up. An entry that is no address ends the reading.
 * An address of the header comes back in its one canonical form, `peer` as it was given.
 */
export function clientAddress(peer: string, forwardedFor: string, trusted: readonly AddressRange[]): string {
  let client = peer;
  for (const entry of forwardedFor.split(',').reverse().slice(0, HOPS_MAX)) {
    if (!isWithin(trusted, client)) break;
    const address = addressIn(entry.trim());
    if (address === undefined) break;
    client = address;
  }
  return client;
}

/** Some proxies add the port: `203.0.113.7:50123`, `[2001:db8::1]:50123`. */
function addressIn(entry: string): string | undefined {
  const [, ipv6, ipv4] = /^(?:\[([0-9a-f]*:[0-9a-f:.]*)\]|([0-9.]+))(?::\d{1,5})?$/i.exec(entry) ?? [];
  return canonicalAddress(ipv6 ?? ipv4 ?? entry);
}
