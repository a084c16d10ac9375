import type { Body } from './json-body.ts';
import { isObject } from './json-body.ts';

/** Whether a stream's client wants to see its usage: in OpenAI's older APIs it must ask (`include_usage`). */
export function asksUsage({ stream_options }: Body): boolean {
  return isObject(stream_options) && stream_options['include_usage'] === true;
}

/** What must be set for the upstream to tell the usage of what may be a stream: JSON texts by name. */
export function setUsageAsked(body: Body): readonly (readonly [string, string])[] {
  const { stream, stream_options } = body;
  if (stream !== true || asksUsage(body)) return [];
  const options = isObject(stream_options) ? stream_options : {};
  return [['stream_options', JSON.stringify({ ...options, include_usage: true })]];
}
