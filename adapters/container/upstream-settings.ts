import * as z from 'zod';

export const PLACEHOLDER =
  /your[-_ ]|change[-_ ]?(me|this)|replace[-_ ]?(me|this|with)|placeholder|example|[<>]/i;
export const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/** A key as an upstream gave it out. */
export function apiKey() {
  return z
    .string()
    .regex(VISIBLE_ASCII, { error: 'has characters that no header can carry: paste the key again' })
    .refine((key) => !PLACEHOLDER.test(key), { error: 'is a placeholder: paste the key of the upstream' });
}

export function httpUrl(example: string) {
  return z.string().refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), {
    error: `must be a URL such as ${example}`,
    abort: true,
  });
}

/** `instead` says where credentials belong. */
export function baseUrl(instead: string) {
  return httpUrl('https://api.deepseek.com/v1')
    .refine(hasNoCredentials, {
      error: `must not hold credentials: ${instead}`,
    })
    .refine((text) => new URL(text).search === '' && new URL(text).hash === '', {
      error: 'must not have a query or a fragment: end it with the path, such as /v1',
    })
    .refine((text) => !/\/(chat\/completions|models)\/*$/.test(text), {
      error: 'must end before the route: leave out /chat/completions',
    });
}

/** Whether a URL names nobody, as `https://user:password@` does. */
export function hasNoCredentials(text: string): boolean {
  const { username, password } = new URL(text);
  return username === '' && password === '';
}
