import { expect, test } from 'vitest';
import { preferredLanguage } from './preferred-language.ts';

test.each([
  [null, 'en'],
  ['', 'en'],
  ['zh-CN,zh;q=0.9,en;q=0.8', 'zh-CN'],
  ['en-GB,en;q=0.9,zh;q=0.8', 'en'],
  ['de,zh;q=0.5', 'zh-CN'],
  ['zh;q=0.3, en;q=0.7', 'en'],
  ['en;q=0.3, zh;q=0.7', 'zh-CN'],
  ['zh;q=0', 'en'],
  ['zh;q=0,en;q=0.1', 'en'],
  ['*', 'en'],
  ['fr', 'en'],
  ['zh-Hant-TW', 'zh-CN'],
  [',;;q=x', 'en'],
  [',,;q=,zh', 'zh-CN'],
])('who prefers %s reads %s', (accepted, language) => {
  expect(preferredLanguage(accepted)).toBe(language);
});

test('of a header without end the beginning is read', () => {
  expect(preferredLanguage(`a${' '.repeat(15_000)}x,zh`)).toBe('en');
});
