/** Random bytes of a secret: 192 bits, well above the 160 that guessing must not reach. */
export const SECRET_RANDOM_BYTES = 24;

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const BODY_LENGTH = 33; // 62^33 > 2^192
const CHECKSUM_LENGTH = 6; // 62^6 > 2^32
const SECRET_LENGTH_MAX = 200;
/** Shorter ones can be guessed. */
const FOREIGN_LENGTH_MIN = 16;
const NOT_ASCII = /[^\x21-\x7e]/;
const BASE_62 = /^[0-9A-Za-z]*$/;

/**
 * The text of a secret: prefix, random body, and a checksum of both, so that a mistyped or invented key
 * is refused without asking the store (the idea is that of GitHub's tokens).
 */
export function formSecret(prefix: string, random: Uint8Array): string {
  if (random.length !== SECRET_RANDOM_BYTES)
    throw new Error(`a secret takes ${SECRET_RANDOM_BYTES} random bytes`);
  const body = prefix + base62(random);
  return body + checksumOf(body);
}

/** Whether `text` could be a secret that `formSecret` made, with any prefix. Nothing about whose it is. */
export function isWellFormed(text: string): boolean {
  if (text.length < BODY_LENGTH + CHECKSUM_LENGTH || text.length > SECRET_LENGTH_MAX) return false;
  if (NOT_ASCII.test(text)) return false;
  return text.endsWith(checksumOf(text.slice(0, -CHECKSUM_LENGTH)));
}

/**
 * Whether `text` could be a secret that another system made and that was imported from there. What looks like one of
 * ours, whose prefix is `prefix`, is not: its checksum is wrong.
 */
export function isForeign(text: string, prefix: string): boolean {
  if (text.length < FOREIGN_LENGTH_MIN || text.length > SECRET_LENGTH_MAX) return false;
  // A comma is what HTTP joins headers by: such a secret could not be sent.
  if (NOT_ASCII.test(text) || text.includes(',') || isWellFormed(text)) return false;
  const isAsLong = text.length === prefix.length + BODY_LENGTH + CHECKSUM_LENGTH;
  return !(isAsLong && text.startsWith(prefix) && BASE_62.test(text.slice(prefix.length)));
}

/**
 * A secret as it may be shown: its prefix and the four characters after it, and its last four.
 * Of a foreign one, whose prefix nobody knows, seven characters and the last four, and never more than half of it.
 */
export function hintOf(secret: string): string {
  const shown = isWellFormed(secret)
    ? secret.length - BODY_LENGTH - CHECKSUM_LENGTH + 4
    : Math.min(7, Math.floor(secret.length / 4));
  return `${secret.slice(0, shown)}…${secret.slice(-4)}`;
}

function base62(bytes: Uint8Array): string {
  const number = bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
  let text = '';
  for (let rest = number; rest > 0n; rest /= 62n) text = ALPHABET[Number(rest % 62n)] + text;
  return text.padStart(BODY_LENGTH, '0');
}

function checksumOf(text: string): string {
  let checksum = '';
  let rest = crc32(text);
  while (checksum.length < CHECKSUM_LENGTH) {
    checksum = ALPHABET[rest % 62] + checksum;
    rest = Math.floor(rest / 62);
  }
  return checksum;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

/** CRC-32 (ISO 3309) of ASCII text. */
function crc32(text: string): number {
  let crc = 0xffffffff;
  for (let index = 0; index < text.length; index += 1) {
    crc = (CRC_TABLE[(crc ^ text.charCodeAt(index)) & 0xff] ?? 0) ^ (crc >>> 8);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
