import type { BodyClaim } from './body-room.ts';
import { concat } from './concat.ts';
import type { WireError } from './reply.ts';
import { textOf } from './text-of.ts';

/** A body as it came and as text, or what is wrong with it. */
export type BodyRead =
  | { readonly ok: true; readonly bytes: Uint8Array; readonly text: string }
  | { readonly ok: false; readonly error: WireError };

/** Most bodies are smaller: they are read at once, which takes less than piece by piece. */
const SMALL_BYTES_MAX = 64 * 1024;

const NO_ROOM: WireError = {
  status: 503,
  type: 'server_error',
  code: 'server_busy',
  message:
    'The requests that are under way leave no room for the body of this one; nothing was sent. Try again.',
  // By then a body of the usual length has been handed on; the SDKs wait so long, and try again by themselves.
  headers: { 'retry-after': '2' },
};

/**
 * Reads a JSON request's body, at most `bytesMax` of it, whatever its length is said to be, into the room of `claim`, which
 * must be kept as long as anything of the body is.
 */
export async function readBody(
  request: Request,
  bytesMax: number,
  claim: Pick<BodyClaim, 'take'>,
): Promise<BodyRead> {
  const type = request.headers.get('content-type');
  if (type === null || !/^application\/json\s*(;|$)/i.test(type)) {
    return problem(
      415,
      'unsupported_media_type',
      "Send the body as JSON, with 'Content-Type: application/json'.",
    );
  }
  const encoding = request.headers.get('content-encoding');
  if (encoding !== null && encoding.toLowerCase() !== 'identity') {
    return problem(
      415,
      'unsupported_encoding',
      `Send the body as it is, not encoded in ${encoding.slice(0, 20)}.`,
    );
  }
  const tooLarge = problem(
    413,
    'body_too_large',
    `The request body is over ${bytesMax} bytes: send a shorter one.`,
  );
  const said = request.headers.get('content-length');
  if (said !== null && Number(said) > bytesMax) return tooLarge;
  // Who sends slowly has taken room for what has come, and no more. With a length the server reads no more than it says.
  const isSmall = said !== null && Number(said) <= SMALL_BYTES_MAX;
  if (isSmall && !claim.take(Number(said))) return { ok: false, error: NO_ROOM };
  const bytes = await (isSmall ? readWhole(request) : readPieces(request, bytesMax, claim)).catch(
    () => undefined,
  );
  // Nobody is there to read this: it is for the log, where a client that left is no failure of ours.
  if (bytes === undefined) return problem(400, 'invalid_request', 'The request body was cut off.');
  if (bytes === 'too_large') return tooLarge;
  if (bytes === 'no_room') return { ok: false, error: NO_ROOM };
  // RFC 8259 §8.1: JSON is UTF-8, without a byte order mark.
  const text = textOf(bytes);
  if (text === undefined) {
    return problem(400, 'invalid_encoding', 'The request body is not valid UTF-8: encode it so.');
  }
  return { ok: true, bytes, text };
}

async function readWhole(request: Request): Promise<Uint8Array> {
  return new Uint8Array(await request.arrayBuffer());
}

async function readPieces(
  request: Request,
  bytesMax: number,
  claim: Pick<BodyClaim, 'take'>,
): Promise<Uint8Array | 'too_large' | 'no_room'> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = request.body?.getReader();
  for (let read = await reader?.read(); read?.value !== undefined; read = await reader?.read()) {
    length += read.value.length;
    const wrong = length > bytesMax ? 'too_large' : claim.take(read.value.length) ? undefined : 'no_room';
    if (wrong !== undefined) {
      await reader?.cancel();
      return wrong;
    }
    parts.push(read.value);
  }
  return concat(parts);
}

function problem(status: number, code: string, message: string): { ok: false; error: WireError } {
  return { ok: false, error: { status, type: 'invalid_request_error', code, message } };
}
