import type { HrTime, Span, Tracer as SpanMaker, TextMapGetter } from '@opentelemetry/api';
import {
  defaultTextMapSetter,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace as spans,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import type { Clock } from '#core/ports.ts';
import type { CallBegun, Trace } from '#core/tracing.ts';
import type { UpstreamAnswer } from '#core/upstream.ts';
import {
  callAttributes,
  callName,
  endAttributes,
  exchangeAttributes,
  exchangeEndAttributes,
  exchangeError,
  exchangeName,
  isServersFault,
} from './span-attributes.ts';

/** What calls are followed with. */
export interface Following {
  readonly maker: SpanMaker;
  readonly clock: Clock;
}

const traceContext = new W3CTraceContextPropagator();

/** Follows a call: one span of kind SERVER, and below it one for the reservation and one for each exchange. */
export function followCall({ maker, clock }: Following, call: CallBegun): Trace {
  // Spans are measured by the clock that is never set, beginning at what the other one says now.
  const epochMs = clock.now() - clock.elapsedMs();
  const at = (elapsedMs: number) => hrTimeOf(epochMs + elapsedMs);
  const now = () => at(clock.elapsedMs());

  // A parent that makes no sense is none (W3C Trace Context §4.3).
  const parent = traceContext.extract(ROOT_CONTEXT, call, FROM_CALL);
  const attributes = callAttributes(call);
  const span = maker.startSpan(
    callName(call),
    { kind: SpanKind.SERVER, startTime: at(call.startedMs), attributes },
    parent,
  );
  const inside = spans.setSpan(parent, span);
  let exchange: Span | undefined;
  let answer: UpstreamAnswer | undefined;
  let wholeAt: HrTime | undefined;

  return {
    reserved(askedMs) {
      maker.startSpan('reserve', { startTime: at(askedMs) }, inside).end(now());
    },
    sent(asked) {
      const options = {
        kind: SpanKind.CLIENT,
        startTime: now(),
        attributes: exchangeAttributes(asked),
      };
      exchange = maker.startSpan(exchangeName(asked), options, inside);
      const headers: Record<string, string> = {};
      traceContext.inject(spans.setSpan(inside, exchange), headers, defaultTextMapSetter);
      return headers;
    },
    passedOver(outcome) {
      exchange?.setAttribute('error.type', outcome).setStatus({ code: SpanStatusCode.ERROR }).end(now());
      exchange = undefined;
    },
    answered(given) {
      answer = given;
      if (given.kind === 'whole') wholeAt = now();
    },
    ended(event) {
      const status = answer?.head.status ?? null;
      exchange?.setAttributes(exchangeEndAttributes(event, status, answer?.kind === 'stream'));
      if (exchangeError(event, status) !== null) exchange?.setStatus({ code: SpanStatusCode.ERROR });
      exchange?.end(wholeAt ?? now());
      span.updateName(callName(event)).setAttributes(endAttributes(event));
      if (isServersFault(event.status)) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end(now());
    },
  };
}

const FROM_CALL: TextMapGetter<CallBegun> = {
  keys: () => ['traceparent', 'tracestate'],
  get: (call, name) =>
    name === 'traceparent' || name === 'tracestate' ? (call[name] ?? undefined) : undefined,
};

function hrTimeOf(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.floor((ms - seconds * 1000) * 1e6)];
}
