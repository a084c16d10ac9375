import { expect, test } from 'vitest';
import { UpstreamFailure } from '#core/upstream.ts';
import { errorEvent } from './error-event.ts';

const BROKEN = new UpstreamFailure('broken', 'reset by 10.0.0.7');
const MESSAGE = 'The upstream gave no usable answer.';
const ANTHROPIC = { type: 'api_error', message: MESSAGE, details: { error_code: 'upstream_broken' } };
const OPENAI = { message: MESSAGE, type: 'upstream_error', param: null, code: 'upstream_broken' };
const responses = (sequence_number: number) => ({
  type: 'error',
  code: 'upstream_broken',
  message: MESSAGE,
  param: null,
  sequence_number,
});

test.each([
  { name: 'chunks', shape: 'chunk', last: 'data: {}\n\n', head: '\n', data: { error: OPENAI } },
  { name: 'before the first byte', shape: 'chunk', last: '', head: '\n', data: { error: OPENAI } },
  { name: 'an event cut in two', shape: 'chunk', last: 'data: {}\n', head: '\n', data: { error: OPENAI } },
  {
    name: 'messages',
    shape: 'message',
    last: 'event: ping\ndata: {}\n\n',
    head: '\nevent: error\n',
    data: { type: 'error', error: ANTHROPIC, request_id: 'r' },
  },
  {
    name: 'an event of which only the name came',
    shape: 'message',
    last: 'data: {}\n\nevent: ping\n',
    head: 'event: error\n',
    data: { type: 'error', error: ANTHROPIC, request_id: 'r' },
  },
  {
    name: 'responses, whose events are numbered',
    shape: 'response',
    last: 'data: {"sequence_number":7}\n\ndata: {"sequence_number": 8}\n\n',
    head: '\nevent: error\n',
    data: responses(9),
  },
  {
    name: 'responses, of which nothing came',
    shape: 'response',
    last: '',
    head: '\nevent: error\n',
    data: responses(0),
  },
] as const)('a stream that breaks says so: $name', ({ shape, last, head, data }) => {
  const event = new TextDecoder().decode(errorEvent(shape, 'r', BROKEN, new TextEncoder().encode(last)));
  expect(event.slice(0, head.length)).toBe(head);
  const [, text = ''] = /^data: (.*)\n\n$/.exec(event.slice(head.length)) ?? [];
  expect(JSON.parse(text)).toEqual(data);
});
