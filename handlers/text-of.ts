const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text that `bytes` are in UTF-8, a byte order mark being a character of it; `undefined` if they are none. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return UTF_8.decode(bytes);
  } catch {
    return undefined;
  }
}
