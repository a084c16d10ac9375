import { expect, test } from 'vitest';
import { configProblems } from '#test/fakes/config-problems.ts';
import { readConfig } from './config.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYq=';
const URL = 'https://example.org/hook';

test('what counts as abnormal can be set, and switched off', () => {
  const env = {
    ABNORMAL_AUTH_FAILURES_MAX: '3',
    ABNORMAL_ADDRESSES_MAX: '0',
    ABNORMAL_DAY_MULTIPLE: '10',
  };
  expect(readConfig(env).abnormal).toEqual({ authFailuresMax: 3, addressesMax: 0, dayMultiple: 10 });
  expect(configProblems({ ABNORMAL_ADDRESSES_MAX: '51' })[0]).toMatch(
    /^ABNORMAL_ADDRESSES_MAX is '51': must be/,
  );
});

test('a webhook has an address and a secret', () => {
  expect(readConfig({ WEBHOOK_URL: URL, WEBHOOK_SECRET: SECRET }).webhook).toEqual({
    url: URL,
    secret: SECRET,
  });
  expect(readConfig({ WEBHOOK_SECRET: SECRET }).webhook).toBe(null);
});

test.each([
  { env: { WEBHOOK_URL: URL }, says: /^WEBHOOK_URL is set, and WEBHOOK_SECRET is not: make one with/ },
  { env: { WEBHOOK_URL: 'chat', WEBHOOK_SECRET: SECRET }, says: /^WEBHOOK_URL: must be a URL such as/ },
  {
    env: { WEBHOOK_URL: 'https://ada:hush@example.org/hook', WEBHOOK_SECRET: SECRET },
    says: /^WEBHOOK_URL: must not hold credentials/,
  },
  { env: { WEBHOOK_URL: URL, WEBHOOK_SECRET: 'hush' }, says: /^WEBHOOK_SECRET: must be whsec_/ },
  { env: { WEBHOOK_URL: URL, WEBHOOK_SECRET: 'whsec_c2hvcnQ=' }, says: /^WEBHOOK_SECRET: must be whsec_/ },
])('each problem is one line, and shows neither: $says', ({ env, says }) => {
  const problems = configProblems(env);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(says);
  expect(problems[0]).not.toMatch(/chat|hush|c2hv|example.org\/hook'/);
});
