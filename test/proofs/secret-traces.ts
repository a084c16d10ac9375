import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What may be shown of a secret ends here, and begins again so far from its end. */
const SHOWN = 4;
/** So many characters in a row of what may not be shown are no accident: 71 bits. */
const PART_LENGTH = 12;

/**
 * What of a secret is found in `bytes`: itself, its parts, or an encoding of it. Each is named without showing it.
 * `prefixLength` characters of it are no secret: `sk-`.
 */
export function tracesOf(secret: string, bytes: Buffer, prefixLength = 0): readonly string[] {
  const needles = [...encodings(secret), ...parts(secret, prefixLength)];
  const found = needles.filter(({ text }) => bytes.includes(text, 0, 'latin1'));
  return [...new Set(found.map(({ name }) => name))];
}

/** Every file of a folder, one after another. */
export function bytesOfFolder(folder: string): Buffer {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return Buffer.concat(names.map(({ parentPath, name }) => readFileSync(join(parentPath, name))));
}

interface Needle {
  readonly name: string;
  readonly text: string;
}

function encodings(secret: string): Needle[] {
  const percent = [...secret]
    .map((letter) => `%${letter.charCodeAt(0).toString(16).padStart(2, '0')}`)
    .join('');
  const hex = Buffer.from(secret).toString('hex');
  return [
    { name: 'whole', text: secret },
    { name: 'URL-encoded', text: encodeURIComponent(secret) },
    { name: 'URL-encoded', text: percent },
    { name: 'URL-encoded', text: percent.toUpperCase() },
    { name: 'hex', text: hex },
    { name: 'hex', text: hex.toUpperCase() },
    { name: 'reversed', text: [...secret].reverse().join('') },
    ...[0, 1, 2].flatMap((shift) => base64(secret, shift)),
  ];
}

/** Base64 of a text that the secret is part of: at each of its three alignments, without the edges. */
function base64(secret: string, shift: number): Needle[] {
  const bytes = Buffer.concat([Buffer.alloc(shift), Buffer.from(secret)]);
  const inner = (text: string) => text.slice(4, Math.floor((bytes.length / 3) * 4) - 4);
  return [
    { name: 'base64', text: inner(bytes.toString('base64')) },
    { name: 'base64url', text: inner(bytes.toString('base64url')) },
  ];
}

function parts(secret: string, prefixLength: number): Needle[] {
  const hidden = secret.slice(prefixLength + SHOWN, -SHOWN);
  return Array.from({ length: Math.max(hidden.length - PART_LENGTH + 1, 0) }, (_, at) => ({
    name: 'part',
    text: hidden.slice(at, at + PART_LENGTH),
  }));
}
