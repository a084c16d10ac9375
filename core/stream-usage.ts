import type { Body } from './json-body.ts';
import { isObject } from './json-body.ts';

/** Whether a stream's usage must be hidden again: in OpenAI's older APIs a client sees it if it asks. */
export function hidesUsage(body: Body): boolean {
  return body['stream'] === true && !asksUsage(body);
}

function asksUsage({ stream_options }: Body): boolean {
  return isObject(stream_options) && stream_options['include_usage'] === true;
}

/** What must be set for the upstream to tell the usage of a stream: JSON texts by name. */
export function setUsageAsked(body: Body): readonly (readonly [string, string])[] {
  if (!hidesUsage(body)) return [];
  const { stream_options } = body;
  const options = isObject(stream_options) ? stream_options : {};
  return [['stream_options', JSON.stringify({ ...options, include_usage: true })]];
}
