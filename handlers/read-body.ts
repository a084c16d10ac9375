import { concat } from './concat.ts';
import type { WireError } from './reply.ts';

/** A body as it came and as text, or what is wrong with it. */
export type BodyRead =
  | { readonly ok: true; readonly bytes: Uint8Array; readonly text: string }
  | { readonly ok: false; readonly error: WireError };

/** Reads a JSON request's body, at most `bytesMax` of it, whatever its length is said to be. */
export async function readBody(request: Request, bytesMax: number): Promise<BodyRead> {
  const type = request.headers.get('content-type');
  if (type === null || !/^application\/json\s*(;|$)/i.test(type)) {
    return problem(
      415,
      'unsupported_media_type',
      "Send the body as JSON, with 'Content-Type: application/json'.",
    );
  }
  const encoding = request.headers.get('content-encoding');
  if (encoding !== null && encoding !== 'identity') {
    return problem(
      415,
      'unsupported_encoding',
      `Send the body as it is, not encoded in ${encoding.slice(0, 20)}.`,
    );
  }
  const tooLarge = problem(413, 'body_too_large', `The request body is over ${bytesMax} bytes.`);
  const said = request.headers.get('content-length');
  if (said !== null && Number(said) > bytesMax) return tooLarge;
  // With a length the server itself reads no more than it says; only without one must we count.
  const bytes =
    said !== null ? new Uint8Array(await request.arrayBuffer()) : await readAtMost(request, bytesMax);
  if (bytes === undefined) return tooLarge;
  try {
    // RFC 8259 §8.1: JSON is UTF-8, without a byte order mark.
    return {
      ok: true,
      bytes,
      text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes),
    };
  } catch {
    return problem(400, 'invalid_encoding', 'The request body is not valid UTF-8.');
  }
}

async function readAtMost(request: Request, bytesMax: number): Promise<Uint8Array | undefined> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = request.body?.getReader();
  for (let read = await reader?.read(); read?.value !== undefined; read = await reader?.read()) {
    length += read.value.length;
    if (length > bytesMax) {
      await reader?.cancel();
      return undefined;
    }
    parts.push(read.value);
  }
  return concat(parts);
}

function problem(status: number, code: string, message: string): { ok: false; error: WireError } {
  return { ok: false, error: { status, type: 'invalid_request_error', code, message } };
}
