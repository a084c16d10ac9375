import { expect, test } from 'vitest';
import { responseReader } from './response-reader.ts';

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
const EVENT = chunk('data: {"n":1}\n\n');
const DONE = chunk('data: [DONE]\n\n');

test.each([
  {
    name: 'a whole answer',
    bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    answers: ['200 0 false'],
  },
  {
    name: 'two answers on one connection',
    bytes: 'HTTP/1.1 429 No\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n!',
    answers: ['429 0 false', '200 0 false'],
  },
  { name: 'a stream', bytes: `${HEAD}${EVENT}${EVENT}${DONE}0\r\n\r\n`, answers: ['200 2 true'] },
  {
    name: 'events that share a chunk',
    bytes: `${HEAD}${chunk('data: {"n":1}\n\ndata: {"n":2}\n\ndata: [DONE]\n\n')}0\r\n\r\n`,
    answers: ['200 2 true'],
  },
  { name: 'a stream without its last event', bytes: `${HEAD}${EVENT}0\r\n\r\n`, answers: ['200 1 false'] },
  { name: 'a stream that was cut off', bytes: `${HEAD}${EVENT}${DONE}`, answers: [] },
])('$name, cut anywhere', ({ bytes, answers }) => {
  for (let at = 0; at <= bytes.length; at += 1) {
    const seen: string[] = [];
    const read = responseReader({
      eventsCame: () => {},
      ended: ({ status, events, done }) => seen.push(`${status} ${events} ${done}`),
    });
    for (const part of [bytes.slice(0, at), bytes.slice(at)]) read(Buffer.from(part));
    expect(seen, `cut at ${at}`).toEqual(answers);
  }
});

function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}
