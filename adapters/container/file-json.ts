/** The value of a settings file, or what keeps it from being read. */
export type FileJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problems: readonly [string] };

/** Reads JSON. Editors on Windows begin a text with a byte order mark, which may be passed over (RFC 8259 §8.1). */
export function fileJson(text: string): FileJson {
  try {
    return { ok: true, value: JSON.parse(text.replace(/^\uFEFF/, '')) };
  } catch (error) {
    return { ok: false, problems: [`is not JSON: ${error instanceof Error ? error.message : error}`] };
  }
}
