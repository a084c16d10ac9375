/** The 16 bytes of a UUID in its text form (RFC 9562 §4). */
export function toBlob(uuid: string): Buffer {
  const blob = Buffer.from(uuid.replaceAll('-', ''), 'hex');
  if (blob.length !== 16) throw new Error(`not a UUID: ${uuid}`);
  return blob;
}

/** The text form of a UUID's 16 bytes. */
export function toUuid(blob: Buffer): string {
  const hex = blob.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Whether `text` is a UUID at all: what a caller may look up is not always one. */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

/** Greater than every UUID. */
export const BEYOND_ALL_IDS = Buffer.alloc(17, 0xff);
