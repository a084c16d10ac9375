import { openUpstream } from '#adapters/upstream/open-upstream.ts';
import type { GivenUpstream } from '#handlers/proxy/known-upstream.ts';
import type { Config } from './config.ts';
import type { ConfiguredUpstream } from './upstreams-file.ts';
import { VERSION } from './version.ts';

const ANSWER_BYTES_MAX = 32 * 1024 * 1024;

export interface Connections {
  readonly given: readonly GivenUpstream[];
  /** Ends every exchange at once; those under way fail as `aborted`. */
  close(): Promise<void>;
}

/** Connections to each upstream, in pools of their own. */
export function openConnections(upstreams: readonly ConfiguredUpstream[], config: Config): Connections {
  const { connectTimeoutMs, headersTimeoutMs, silenceTimeoutMs, exchangeMsMax } = config;
  const limits = { connectTimeoutMs, headersTimeoutMs, silenceTimeoutMs, exchangeMsMax };
  const opened = upstreams.map(({ apiKey, ...terms }) => {
    const { baseUrl } = terms;
    const own = { baseUrl, apiKey, userAgent: `quota-proxy/${VERSION}`, answerBytesMax: ANSWER_BYTES_MAX };
    return { terms, connection: openUpstream({ ...own, ...limits }) };
  });
  return {
    given: opened,
    async close() {
      await Promise.all(opened.map(({ connection }) => connection.close()));
    },
  };
}

/** Four random bytes as a number from 0 on, and below 1. */
export function fractionOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0) / 2 ** 32;
}
