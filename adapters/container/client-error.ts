import type { Server, ServerResponse } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { errorBody } from '#handlers/reply.ts';

interface RawError {
  readonly status: number;
  readonly type: string;
  readonly code: string;
  readonly message: string;
}

const INVALID = { type: 'invalid_request_error' } as const;

const BAD_REQUEST: RawError = {
  ...INVALID,
  status: 400,
  code: 'invalid_request',
  message: 'This is not HTTP/1.1 as it should be.',
};

const known: Readonly<Record<string, RawError>> = {
  ERR_HTTP_REQUEST_TIMEOUT: {
    ...INVALID,
    status: 408,
    code: 'request_timeout',
    message: 'The request came too slowly.',
  },
  HPE_HEADER_OVERFLOW: {
    ...INVALID,
    status: 431,
    code: 'headers_too_large',
    message: 'The headers are too large.',
  },
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

/** An error as the bytes of an answer, where no request is to be answered; the connection ends with it. */
export function rawReply({ status, ...error }: RawError): string {
  const body = JSON.stringify(errorBody(error));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}
