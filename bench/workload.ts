export const CONNECTION_LEVELS = [1, 64, 256] as const;
export const STREAMS = 512;
export const CHUNKS_PER_STREAM = 50;
export const CHUNK_INTERVAL_MS = 25;

/** What one run of the load generator does. */
export interface Workload {
  readonly port: number;
  /** Of the gateway's key; the other servers pass it on unread. */
  readonly secret: string;
  /** How many of the bench's own keys are used in turns, at random, instead of `secret`; absent: none. */
  readonly keys?: number;
  readonly connections: number;
  readonly stream: boolean;
  /** The run ends when either bound is reached; what was begun is finished. */
  readonly requestsMax: number;
  readonly secondsMax: number;
  /** How long a connection waits after an answer; absent: not at all. */
  readonly pauseMs?: number;
}

/** What it saw. Latencies are exact: of all samples. */
export interface LoadResult {
  readonly requests: number;
  /** Of these, not 200, cut off, or with other than the expected events. */
  readonly failed: number;
  readonly seconds: number;
  /** To the end of a whole answer; to the first event of a stream. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** The bytes of one request, the same every time. */
export function requestBytes({ port, secret, stream }: Pick<Workload, 'port' | 'secret' | 'stream'>): Buffer {
  const body = JSON.stringify({
    model: 'deepseek-chat',
    messages: [
      { role: 'system', content: 'You are a helpful assistant.' },
      { role: 'user', content: 'Say hello, and ask how you can help.' },
    ],
    max_tokens: 64,
    stream,
  });
  const head = [
    'POST /v1/chat/completions HTTP/1.1',
    `host: 127.0.0.1:${port}`,
    `authorization: Bearer ${secret}`,
    'content-type: application/json',
    `content-length: ${body.length}`,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}
