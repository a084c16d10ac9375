import type { Sampler } from '@opentelemetry/sdk-trace';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace';

/** Which calls are sampled. */
export interface Sampling {
  /** From 0, none, to 1, all. */
  readonly ratio: number;
  /** Whether a client that follows its call itself decides. */
  readonly parentDecides: boolean;
}

export function samplerOf({ ratio, parentDecides }: Sampling): Sampler {
  const root = ratioSampler(ratio);
  return parentDecides ? new ParentBasedSampler({ root }) : root;
}

function ratioSampler(ratio: number): Sampler {
  if (ratio === 0) return new AlwaysOffSampler();
  return ratio === 1 ? new AlwaysOnSampler() : new TraceIdRatioBasedSampler(ratio);
}
