import type { RequestId } from '#core/model.ts';
import type { Upstream, UpstreamAnswer, UpstreamRequest } from '#core/upstream.ts';
import { UpstreamFailure } from '#core/upstream.ts';
import { completion, events } from '#test/fakes/upstream-server.ts';
import type { Chance } from './chance.ts';
import type { VirtualTime } from './virtual-time.ts';

/** How an upstream may behave, and how often it does. */
const BEHAVIOURS = {
  honest: 60,
  silent: 6, // served, and no word of usage
  nothing: 3, // says that it used nothing
  greedy: 5, // bills more than it was allowed
  failing: 6, // a status of 500 or 429
  unreachable: 5,
  late: 5, // no answer in time
  broken: 5, // an answer that is none, or half a stream
  refusing: 3, // does not know our key
};

export interface UpstreamParts {
  readonly time: VirtualTime;
  readonly chance: Chance;
  /** Hears of each call before anything is done for it. */
  asked(content: string): RequestId;
  /** Hears of each that is, or may be, billed. */
  served(id: RequestId): void;
}

interface Sent {
  readonly stream?: boolean;
  readonly n?: number;
  readonly max_tokens?: number;
  readonly messages: readonly { readonly content: string }[];
}

/** An upstream without a network: each call meets another mood. */
export function simulatedUpstream({ time, chance, asked, served }: UpstreamParts): Upstream {
  return {
    async send({ body }: UpstreamRequest): Promise<UpstreamAnswer> {
      const sent = JSON.parse(
        typeof body === 'string' ? body : new TextDecoder().decode(body ?? undefined),
      ) as Sent;
      const id = asked(sent.messages[0]?.content ?? '');
      const behaviour = chance.weighed(BEHAVIOURS);
      await time.sleep(chance.between(1, behaviour === 'late' ? 60_000 : 8_000));
      if (behaviour === 'unreachable') throw new UpstreamFailure('unreachable', 'ECONNREFUSED');
      if (behaviour === 'failing') return whole(chance.one([429, 500]), '{"error":{"message":"no"}}');
      if (behaviour === 'refusing') return whole(401, '{"error":{"message":"no such key"}}');
      served(id);
      if (behaviour === 'late') throw new UpstreamFailure('timed_out', 'no answer');
      if (behaviour === 'broken' && sent.stream !== true) throw new UpstreamFailure('broken', 'cut off');
      const usage = usageOf(sent, behaviour);
      if (sent.stream === true) return stream(behaviour === 'broken', usage);
      if (usage === null) return whole(200, JSON.stringify({ choices: [] }));
      return whole(200, completion(usage.prompt_tokens, usage.completion_tokens));
    },
  };

  function usageOf({ max_tokens = 40, n = 1 }: Sent, behaviour: keyof typeof BEHAVIOURS) {
    if (behaviour === 'silent') return null;
    if (behaviour === 'nothing') return { prompt_tokens: 0, completion_tokens: 0 };
    const most = max_tokens * n;
    const completion_tokens = behaviour === 'greedy' ? most * 3 : chance.between(1, most);
    return { prompt_tokens: chance.between(1, 20), completion_tokens };
  }

  function stream(breaks: boolean, usage: object | null): UpstreamAnswer {
    const list = events(usage);
    const left = list.slice(0, breaks ? chance.between(0, list.length - 1) : list.length);
    let isCancelled = false;
    const chunks = {
      async next() {
        await time.sleep(chance.between(1, 3_000));
        const event = left.shift();
        if (isCancelled || (event === undefined && breaks)) throw new UpstreamFailure('broken', 'cut off');
        return event === undefined ? undefined : new TextEncoder().encode(event);
      },
      cancel() {
        isCancelled = true;
      },
    };
    return {
      kind: 'stream',
      head: { status: 200, headers: { 'content-type': 'text/event-stream' } },
      chunks,
    };
  }
}

function whole(status: number, body: string): UpstreamAnswer {
  const head = { status, headers: { 'content-type': 'application/json' } };
  return { kind: 'whole', head, body: new TextEncoder().encode(body) };
}
