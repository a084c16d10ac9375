import { Counter, Histogram, type Registry } from 'prom-client';
import type { Usage } from '#core/model.ts';
import type { RequestEnded } from '#core/observer.ts';

/** Clients invent models, and each would be a series for ever: one that nobody was served by has no name. */
const MODELS_MAX = 200;
const OTHER_MODEL = 'other';

// What the proxy adds is a millisecond or so; what an upstream takes is seconds. In seconds.
const SHORT = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const LONG = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 60, 120, 300, 600];

/** Counts each request as it ends, from now on. */
export function requestMetrics(registry: Registry): (ended: RequestEnded) => void {
  const registers = [registry];
  const requests = new Counter({
    name: 'quota_proxy_requests_total',
    help: 'Calls of clients and operators that ended, by what became of them.',
    labelNames: ['route', 'status', 'model', 'reason'],
    registers,
  });
  const tokens = new Counter({
    name: 'quota_proxy_tokens_total',
    help: 'Tokens that were charged. Cached and cache_written ones are among those of the prompt, reasoning among those of the completion.',
    labelNames: ['model', 'class'],
    registers,
  });
  const cost = new Counter({
    name: 'quota_proxy_cost_micros_total',
    help: "What was charged, in millionths of the price table's currency.",
    labelNames: ['model'],
    registers,
  });
  const estimates = new Counter({
    name: 'quota_proxy_estimates_total',
    help: 'Requests that cost what had been set aside, because the upstream did not tell.',
    labelNames: ['model'],
    registers,
  });
  const histogram = (name: string, help: string, buckets: number[]) =>
    new Histogram({ name: `quota_proxy_${name}`, help, labelNames: ['route'], buckets, registers });
  const added = histogram('added_latency_seconds', 'What the proxy added to a request.', SHORT);
  const store = histogram('store_commit_seconds', 'Until the store had recorded a reservation.', SHORT);
  const upstream = histogram(
    'upstream_latency_seconds',
    "Until the upstream's answer, or the first bytes of a stream.",
    LONG,
  );
  const duration = histogram('request_duration_seconds', 'From a request to the end of its answer.', LONG);
  const nameOf = boundedNames();

  return ({ route, status, reason, charge, usage, ...ended }) => {
    const model = ended.model === null ? '' : nameOf(ended.model, status < 400);
    requests.inc({ route, status, model, reason: reason ?? '' });
    duration.observe({ route }, ended.durationMs / 1000);
    if (ended.storeMs !== null) store.observe({ route }, ended.storeMs / 1000);
    if (ended.addedMs !== null) added.observe({ route }, ended.addedMs / 1000);
    if (ended.upstreamMs !== null) upstream.observe({ route }, ended.upstreamMs / 1000);
    if (charge === null) return;
    if (charge.priced) cost.inc({ model }, charge.used.cost);
    if (charge.source === 'estimate') estimates.inc({ model });
    const counted = charge.source === 'upstream' && usage !== null ? usage : estimated(charge.used.tokens);
    const { cacheWritten: cache_written, ...classes } = counted;
    for (const [name, count] of Object.entries({ ...classes, cache_written })) {
      if (count > 0) tokens.inc({ model, class: name }, count);
    }
  };
}

/** As in the usage reports: an estimate has no classes. */
function estimated(tokens: number): Usage {
  return { prompt: 0, completion: tokens, cached: 0, cacheWritten: 0, reasoning: 0 };
}

/** The names of those that were served, the first so many. */
function boundedNames(): (model: string, served: boolean) => string {
  const known = new Set<string>();
  return (model, served) => {
    if (served && known.size < MODELS_MAX) known.add(model);
    return known.has(model) ? model : OTHER_MODEL;
  };
}
