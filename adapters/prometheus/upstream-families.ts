import type { UpstreamStanding } from '#core/upstreams.ts';
import type { Family, Sample } from './families-of.ts';

const BREAKER_STATES = ['closed', 'open', 'half_open'] as const;

/** What is measured of each upstream, without the prefix that all names have. */
export function upstreamFamilies(upstreams: readonly UpstreamStanding[]): readonly Family[] {
  const each = (samplesOf: (standing: UpstreamStanding) => readonly Sample[]) => upstreams.flatMap(samplesOf);
  const limited = upstreams.filter(({ terms }) => terms.maxConcurrency !== null);
  const one = (figure: (standing: UpstreamStanding) => number) => (standing: UpstreamStanding) => [
    { value: figure(standing), labels: named(standing) },
  ];
  return [
    {
      type: 'counter',
      name: 'upstream_tries_total',
      help: 'How often each upstream was asked, and what came of it. A request that went on to another has several.',
      samples: each((standing) => counted(standing, standing.outcomes)),
    },
    gauge(
      'upstream_in_flight',
      'Exchanges under way with each upstream.',
      each(one(({ inFlight }) => inFlight)),
    ),
    gauge('upstream_breaker_state', 'The state of the breaker is 1, and the others are 0.', each(statesOf)),
    gauge(
      'upstream_queue_length',
      'Requests that wait for a place at the upstream.',
      limited.flatMap(one(({ waiting }) => waiting)),
    ),
    {
      type: 'counter',
      name: 'upstream_queue_waits_total',
      help: 'Requests that waited and were sent.',
      samples: limited.flatMap(one(({ waited }) => waited.count)),
    },
    {
      type: 'counter',
      name: 'upstream_queue_wait_seconds_total',
      help: 'For how long they waited, together.',
      samples: limited.flatMap(one(({ waited }) => waited.ms / 1000)),
    },
    {
      type: 'counter',
      name: 'upstream_queue_turned_away_total',
      help: 'Requests that had to wait and were not sent.',
      samples: limited.flatMap((standing) => counted(standing, standing.turnedAway)),
    },
  ];
}

function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { type: 'gauge', name, help, samples };
}

function named({ terms: { name } }: UpstreamStanding) {
  return { upstream: name };
}

function counted(standing: UpstreamStanding, counts: Readonly<Record<string, number>>): readonly Sample[] {
  return Object.entries(counts).map(([outcome, value]) => ({
    value,
    labels: { ...named(standing), outcome },
  }));
}

function statesOf(standing: UpstreamStanding): readonly Sample[] {
  const { breaker } = standing;
  if (breaker === null) return [];
  return BREAKER_STATES.map((state) => ({
    value: Number(state === breaker),
    labels: { ...named(standing), state },
  }));
}
