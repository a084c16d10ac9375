import type { Server, ServerResponse } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { errorBody } from '#handlers/reply.ts';

const BAD_REQUEST = {
  status: 400,
  code: 'invalid_request',
  message: 'This is not HTTP/1.1 as it should be.',
};

const known: Readonly<Record<string, typeof BAD_REQUEST>> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, code: 'request_timeout', message: 'The request came too slowly.' },
  HPE_HEADER_OVERFLOW: { status: 431, code: 'headers_too_large', message: 'The headers are too large.' },
};

/** Answers what is no request, or comes too slowly, with OpenAI's error object, and closes the connection. */
export function answerClientError(server: Server): void {
  const replies = new WeakMap<Duplex, ServerResponse>();
  server.prependListener('request', ({ socket }, reply) => void replies.set(socket, reply));
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const reply = replies.get(socket);
    const begun = reply?.headersSent === true && !reply.writableFinished;
    // In the middle of another answer there is no way to say anything.
    if (begun || !socket.writable || error.code === 'ECONNRESET') socket.destroy();
    else socket.end(rawReply(known[error.code ?? ''] ?? BAD_REQUEST));
  });
}

function rawReply({ status, code, message }: typeof BAD_REQUEST): string {
  const body = JSON.stringify(errorBody({ type: 'invalid_request_error', code, message }));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}
