import { textOf } from '../text-of.ts';

/** A text in the vault is not what was written there. One line that says which. */
export class RecordBroken extends Error {
  override readonly name = 'RecordBroken';
}

/** A text and, as its last line, the checksum of the lines before it. */
export interface CheckedText {
  readonly bytes: Uint8Array;
  /** 64 lower-case hex digits. */
  readonly sha256: string;
}

/** Adds the checksum line to a body of lines. No store and no disk tells of a flipped bit in a small text. */
export async function withChecksum(body: string): Promise<CheckedText> {
  const sha256 = await sha256Of(new TextEncoder().encode(body));
  return { bytes: new TextEncoder().encode(`${body}${JSON.stringify({ sha256 })}\n`), sha256 };
}

/** The lines before the checksum, if that is theirs. @throws RecordBroken which names `name` */
export async function checkedBody(
  bytes: Uint8Array,
  name: string,
): Promise<{ body: string; sha256: string }> {
  const text = textOf(bytes);
  if (text === undefined) throw new RecordBroken(`${name} is damaged: it is not text`);
  const [, body, sha256] = /^([\s\S]*\n)\{"sha256":"([0-9a-f]{64})"\}\n$/.exec(text) ?? [];
  if (body === undefined || sha256 === undefined)
    throw new RecordBroken(`${name} has no checksum: it is cut off`);
  if ((await sha256Of(new TextEncoder().encode(body))) !== sha256)
    throw new RecordBroken(`${name} is damaged: its checksum is another one`);
  return { body, sha256 };
}

/** 64 lower-case hex digits. */
export async function sha256Of(bytes: Uint8Array): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes)));
  return [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
