/** An Internet address as a number, and how many bits it has: 32 or 128. */
interface Address {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

/** All addresses that begin with the first `prefix` bits of `address`. */
export interface AddressRange {
  readonly address: Address;
  readonly prefix: number;
}

/** Whether `address` is one of `ranges`, or within it. What cannot be read is in none. */
export function includesAddress(ranges: readonly string[], address: string): boolean {
  return isWithin(rangesOf(ranges), address);
}

/** Whether `address` is in any of `ranges`. What cannot be read is in none. */
export function isWithin(ranges: readonly AddressRange[], address: string): boolean {
  const given = parseAddress(address);
  if (given === undefined) return false;
  return ranges.some(({ address: known, prefix }) => {
    if (known.bits !== given.bits) return false;
    const rest = BigInt(given.bits - prefix);
    return known.value >> rest === given.value >> rest;
  });
}

/** The ranges that can be read, to be asked often. */
export function rangesOf(texts: readonly string[]): readonly AddressRange[] {
  return texts.map(parseRange).filter((range) => range !== undefined);
}

/** Reads an address or a CIDR range (RFC 4632, RFC 4291 §2.3); `undefined` if it is neither. */
export function parseRange(text: string): AddressRange | undefined {
  const [head = '', tail, ...more] = text.split('/');
  const address = parseAddress(head);
  if (address === undefined || more.length > 0) return undefined;
  if (tail === undefined) return { address, prefix: address.bits };
  const prefix = Number(tail);
  if (!/^\d{1,3}$/.test(tail) || prefix > address.bits) return undefined;
  return { address, prefix };
}

/** Who may be behind an address: of IPv6 one site has all of a /64 (RFC 4291 §2.5.4), of IPv4 it is the address. */
export function networkOf(text: string): string {
  if (!text.includes(':')) return text;
  const address = parseAddress(text);
  if (address === undefined || address.bits === 32) return text;
  return `${(address.value >> 64n).toString(16)}::/64`;
}

/** The one way to write an address (RFC 5952, without its mixed notation); `undefined` if it is none. */
export function canonicalAddress(text: string): string | undefined {
  const address = parseAddress(text);
  if (address === undefined) return undefined;
  if (address.bits === 32) {
    return [24n, 16n, 8n, 0n].map((shift) => (address.value >> shift) & 0xffn).join('.');
  }
  const shifts = [112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n];
  const groups = shifts.map((shift) => ((address.value >> shift) & 0xffffn).toString(16)).join(':');
  // RFC 5952 §4.2: the longest run of zeros is left out, of several the first, and never one zero alone.
  const runs = [...groups.matchAll(/(?<![^:])0(:0)+(?![^:])/g)].map(([run]) => run);
  const longest = runs.reduce((most, run) => (run.length > most.length ? run : most), '');
  return longest === '' ? groups : groups.replace(new RegExp(`(^|:)${longest}(:|$)`), '::');
}

/** Reads IPv4 and IPv6 text. IPv4-mapped IPv6 (RFC 4291 §2.5.5.2) is the IPv4 address that it maps. */
function parseAddress(text: string): Address | undefined {
  if (!text.includes(':')) {
    const value = parseIpv4(text);
    return value === undefined ? undefined : { bits: 32, value };
  }
  const value = parseIpv6(text);
  if (value === undefined) return undefined;
  return value >> 32n === 0xffffn ? { bits: 32, value: value & 0xffff_ffffn } : { bits: 128, value };
}

function parseIpv4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) {
    return undefined;
  }
  return parts.reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

function parseIpv6(text: string): bigint | undefined {
  const [head = '', tail, ...more] = text.split('::');
  if (more.length > 0) return undefined;
  // RFC 4291 §2.2: an IPv4 address may stand at the very end only.
  if (tail !== undefined && head.includes('.')) return undefined;
  const left = groupsOf(head);
  const right = tail === undefined ? [] : groupsOf(tail);
  if (left === undefined || right === undefined) return undefined;
  const missing = 8 - left.length - right.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...left, ...Array<bigint>(missing).fill(0n), ...right];
  return groups.reduce((value, group) => (value << 16n) | group, 0n);
}

function groupsOf(text: string): bigint[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const groups: bigint[] = [];
  for (const [index, part] of parts.entries()) {
    const ipv4 = index === parts.length - 1 ? parseIpv4(part) : undefined;
    if (ipv4 !== undefined) groups.push(ipv4 >> 16n, ipv4 & 0xffffn);
    else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(BigInt(`0x${part}`));
    else return undefined;
  }
  return groups;
}
