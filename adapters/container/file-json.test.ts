import { expect, test } from 'vitest';
import { fileJson } from './file-json.ts';

test.each(['{"a":1}', '\uFEFF{"a":1}'])('what %j holds is read', (text) => {
  expect(fileJson(text)).toEqual({ ok: true, value: { a: 1 } });
});

test.each(['', '{', '\uFEFF\uFEFF{}', '{}\uFEFF'])('%j is refused, and why is said', (text) => {
  expect(fileJson(text)).toEqual({ ok: false, problems: [expect.stringMatching(/^is not JSON: /)] });
});
