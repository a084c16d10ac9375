import type { Usage } from '#core/model.ts';

/** Calls of one metered endpoint and what its provider answers, in the shapes of the provider's documentation. */
export interface EndpointSpecimen {
  readonly path: string;
  /** Asks for no more than sixteen tokens out, where any come. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Usage as the provider tells it, and what of it is counted. */
  readonly usage: object;
  readonly counted: Usage;
  /** Usage in which one class is an explicit zero, of nothing at all, and each with a count that cannot be. */
  readonly zeroOutput: object;
  readonly nothing: object;
  readonly incredible: readonly object[];
  /** A whole answer with that usage; without, if `null`. */
  answer(usage: object | null): string;
  /** The events of a stream with that usage; without, if `null`. */
  events(usage: object | null): readonly string[];
  /** What the last event is when a stream breaks. */
  readonly broken: RegExp;
  /** What no stream that broke has in it. */
  readonly ending: string;
}

const MODEL = 'demo';

/** Wrong values for one count after another of a usage. */
function wrongIn(usage: object): readonly object[] {
  return Object.keys(usage).flatMap((name) =>
    [-1, 0.5, 1e15, '7'].map((wrong) => ({ ...usage, [name]: wrong })),
  );
}

const OPENAI_USAGE = { prompt_tokens: 30, completion_tokens: 5, total_tokens: 35 };
const OPENAI_BROKEN =
  /\n\ndata: \{"error":\{"message":"[^"]+","type":"upstream_error","param":null,"code":"upstream_\w+"\}\}\n\n$/;

function data(event: object): string {
  return `data: ${JSON.stringify(event)}\n\n`;
}

function named(event: { readonly type: string }): string {
  return `event: ${event.type}\n${data(event)}`;
}

const chat: EndpointSpecimen = {
  path: '/v1/chat/completions',
  body: { model: MODEL, messages: [{ role: 'user', content: 'Hi' }], max_tokens: 16 },
  usage: OPENAI_USAGE,
  counted: { prompt: 30, completion: 5, cached: 0, cacheWritten: 0, reasoning: 0 },
  zeroOutput: { prompt_tokens: 30, completion_tokens: 0, total_tokens: 30 },
  nothing: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
  incredible: wrongIn(OPENAI_USAGE),
  answer: (usage) =>
    JSON.stringify({
      id: 'c',
      object: 'chat.completion',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hello.' }, finish_reason: 'stop' }],
      ...(usage && { usage }),
    }),
  events: (usage) => [
    ...['Hel', 'lo.'].map((content) => data({ id: 'c', choices: [{ index: 0, delta: { content } }] })),
    ...(usage === null ? [] : [data({ id: 'c', choices: [], usage })]),
    'data: [DONE]\n\n',
  ],
  broken: OPENAI_BROKEN,
  ending: '[DONE]',
};

const completions: EndpointSpecimen = {
  ...chat,
  path: '/v1/completions',
  body: { model: MODEL, prompt: 'Once upon', max_tokens: 16 },
  answer: (usage) =>
    JSON.stringify({
      id: 'cmpl-1',
      object: 'text_completion',
      created: 1,
      model: MODEL,
      choices: [{ text: ' a time', index: 0, logprobs: null, finish_reason: 'length' }],
      ...(usage && { usage }),
    }),
  events: (usage) => {
    const chunk = { id: 'cmpl-1', object: 'text_completion', created: 1, model: MODEL };
    return [
      ...[' a', ' time'].map((text) =>
        data({ ...chunk, choices: [{ text, index: 0, finish_reason: null }] }),
      ),
      ...(usage === null ? [] : [data({ ...chunk, choices: [], usage })]),
      'data: [DONE]\n\n',
    ];
  },
};

const embeddings: EndpointSpecimen = {
  ...chat,
  path: '/v1/embeddings',
  body: { model: MODEL, input: 'Once upon a time' },
  usage: { prompt_tokens: 35, total_tokens: 35 },
  counted: { prompt: 35, completion: 0, cached: 0, cacheWritten: 0, reasoning: 0 },
  zeroOutput: { prompt_tokens: 30 },
  nothing: { prompt_tokens: 0, total_tokens: 0 },
  incredible: wrongIn({ prompt_tokens: 35, total_tokens: 35 }),
  answer: (usage) =>
    JSON.stringify({
      object: 'list',
      data: [{ object: 'embedding', index: 0, embedding: [0.5, -0.5] }],
      model: MODEL,
      ...(usage && { usage }),
    }),
  events: () => [],
};

const RESPONSES_USAGE = {
  input_tokens: 30,
  input_tokens_details: { cached_tokens: 8, cache_write_tokens: 4 },
  output_tokens: 5,
  output_tokens_details: { reasoning_tokens: 2 },
  total_tokens: 35,
};
const { input_tokens, output_tokens, total_tokens } = RESPONSES_USAGE;

function response(status: string, usage: object | null) {
  const content = [{ type: 'output_text', text: 'Hello.', annotations: [] }];
  const output = [{ type: 'message', id: 'msg_1', status, role: 'assistant', content }];
  return {
    id: 'resp_1',
    object: 'response',
    created_at: 1,
    status,
    model: MODEL,
    store: false,
    output,
    usage,
  };
}

const responses: EndpointSpecimen = {
  path: '/v1/responses',
  body: { model: MODEL, input: 'Hi', max_output_tokens: 16 },
  usage: RESPONSES_USAGE,
  counted: { prompt: 30, completion: 5, cached: 8, cacheWritten: 4, reasoning: 2 },
  zeroOutput: { ...RESPONSES_USAGE, output_tokens: 0, output_tokens_details: null, total_tokens: 30 },
  nothing: { input_tokens: 0, output_tokens: 0, total_tokens: 0 },
  incredible: wrongIn({ input_tokens, output_tokens, total_tokens }),
  answer: (usage) => JSON.stringify(response('completed', usage)),
  events: (usage) => {
    const begun = { ...response('in_progress', null), output: [] };
    const at = { item_id: 'msg_1', output_index: 0, content_index: 0 };
    return [
      { type: 'response.created', sequence_number: 0, response: begun },
      { type: 'response.in_progress', sequence_number: 1, response: begun },
      { type: 'response.output_text.delta', sequence_number: 2, ...at, delta: 'Hel' },
      { type: 'response.output_text.delta', sequence_number: 3, ...at, delta: 'lo.' },
      { type: 'response.completed', sequence_number: 4, response: response('completed', usage) },
    ].map(named);
  },
  broken:
    /\n\nevent: error\ndata: \{"type":"error","code":"upstream_\w+","message":"[^"]+","param":null,"sequence_number":\d+\}\n\n$/,
  ending: 'response.completed',
};

const MESSAGES_USAGE = {
  input_tokens: 18,
  cache_creation_input_tokens: 4,
  cache_read_input_tokens: 8,
  output_tokens: 5,
};

const messages: EndpointSpecimen = {
  path: '/v1/messages',
  body: { model: MODEL, messages: [{ role: 'user', content: 'Hi' }], max_tokens: 16 },
  usage: MESSAGES_USAGE,
  counted: { prompt: 30, completion: 5, cached: 8, cacheWritten: 4, reasoning: 0 },
  zeroOutput: { ...MESSAGES_USAGE, output_tokens: 0 },
  nothing: { input_tokens: 0, output_tokens: 0 },
  incredible: wrongIn(MESSAGES_USAGE),
  answer: (usage) =>
    JSON.stringify({
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: MODEL,
      content: [{ type: 'text', text: 'Hello.' }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      ...(usage && { usage }),
    }),
  events: (usage) => {
    const message = { id: 'msg_1', type: 'message', role: 'assistant', model: MODEL, content: [] };
    const first = usage === null ? null : { ...usage, output_tokens: 0 };
    const delta = { stop_reason: 'end_turn', stop_sequence: null };
    return [
      { type: 'message_start', message: { ...message, stop_reason: null, ...(first && { usage: first }) } },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'ping' },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hello.' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta, ...(usage && { usage }) },
      { type: 'message_stop' },
    ].map(named);
  },
  broken:
    /\n\nevent: error\ndata: \{"type":"error","error":\{"type":"\w+","message":"[^"]+","details":\{"error_code":"upstream_\w+"\}\},"request_id":"[0-9a-f-]{36}"\}\n\n$/,
  ending: 'message_stop',
};

/** One of each metered endpoint, chat first. */
export const ENDPOINT_SPECIMENS: readonly EndpointSpecimen[] = [
  chat,
  completions,
  embeddings,
  responses,
  messages,
];

/** Those that stream. */
export const STREAMING_SPECIMENS = ENDPOINT_SPECIMENS.filter(({ events }) => events(null).length > 0);
