import type { Admission, Outcome, Release, Settle, Usage } from '#core/model.ts';
import { UpstreamFailure } from '#core/upstream.ts';
import type { Exchange } from '../route.ts';
import type { Services } from '../services.ts';
import type { TallyEnd } from './tally.ts';

/** nginx's status for a client that hung up before the answer was complete. */
const CLIENT_GONE = 499;

/** What is left to do when a request has ended: settle or release it exactly once, and tell the observer. */
export interface Aftermath {
  /** It never got as far as the upstream. Returns the answer for the caller to give. */
  refused(reply: Response, reason: string, model?: string): Response;
  admitted(admission: Admission): void;
  /** The upstream's answer has begun. */
  answered(): void;
  /** Served whole. `null`: the upstream did not tell, and it costs its reservation. */
  settled(status: number, usage: Usage | null): void;
  /** Answered by an error of the upstream, which costs nothing. */
  released(status: number, reason: string): void;
  /** Not answered. It costs its reservation if the upstream may have served it. */
  failed(status: number, error: unknown): void;
  streamed(status: number, end: TallyEnd): void;
}

/** The aftermath of one exchange. Recording goes to `ctx.waitUntil`: the reply does not wait for it. */
export function aftermath(
  { clock, ledger, observer }: Services,
  exchange: Exchange,
  route: string,
): Aftermath {
  const { requestId, ctx } = exchange;
  const startedMs = clock.elapsedMs();
  let admission: Admission | undefined;
  let upstreamMs: number | null = null;
  const sinceStart = () => Math.round(clock.elapsedMs() - startedMs);

  function tell(status: number, reason: string | null, usage: Usage | null, model: string | null): void {
    const keyId = admission?.reservation.keyId ?? null;
    const durationMs = sinceStart();
    observer.requestEnded({ requestId, keyId, route, model, status, reason, usage, upstreamMs, durationMs });
  }

  function record(end: { kind: 'settle'; usage: Usage | null } | { kind: 'release' }, status: number): void {
    if (admission === undefined) throw new Error('a request ended that was never admitted');
    const outcome: Outcome = { status, upstreamMs, durationMs: sinceStart() };
    const { keyId } = admission.reservation;
    const command: Settle | Release = { ...end, at: clock.now(), requestId, keyId, outcome };
    const done = ledger.execute(command).catch((error: unknown) => {
      // The reservation stays and lapses: nothing is lost but time.
      observer.failed('A request could not be settled.', error, { request_id: requestId });
    });
    ctx.waitUntil(done);
  }

  return {
    refused(reply, reason, model) {
      tell(reply.status, reason, null, model ?? null);
      return reply;
    },
    admitted(given) {
      admission = given;
    },
    answered() {
      upstreamMs = sinceStart();
    },
    settled(status, usage) {
      record({ kind: 'settle', usage }, status);
      tell(status, null, usage, modelOf(admission));
    },
    released(status, reason) {
      record({ kind: 'release' }, status);
      tell(status, reason, null, modelOf(admission));
    },
    failed(status, error) {
      const served = !(error instanceof UpstreamFailure) || error.mayHaveServed;
      record(served ? { kind: 'settle', usage: null } : { kind: 'release' }, status);
      tell(status, reasonOf(error), null, modelOf(admission));
    },
    streamed(status, { usage, clientGone, error }) {
      const told = clientGone ? CLIENT_GONE : error === undefined ? status : 502;
      record({ kind: 'settle', usage }, told);
      if (error !== undefined) observer.failed('A stream broke.', error, { request_id: requestId });
      tell(
        told,
        clientGone ? 'client_gone' : error === undefined ? null : reasonOf(error),
        usage,
        modelOf(admission),
      );
    },
  };
}

function modelOf(admission: Admission | undefined): string | null {
  return admission?.reservation.model ?? null;
}

function reasonOf(error: unknown): string {
  return error instanceof UpstreamFailure ? `upstream_${error.kind}` : 'internal_error';
}
