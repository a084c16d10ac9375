import type { Policy } from '#handlers/services.ts';

export const METRICS_TOKEN = 'a-metrics-token-of-the-tests-012345678';
export const ADMIN_TOKEN = 'an-admin-token-of-the-tests-0123456789';

/** A policy that lets much through. */
export const POLICY: Policy = {
  version: '0.0.0-test',
  upstreamCheck: false,
  adminTokens: [ADMIN_TOKEN],
  metricsTokens: [METRICS_TOKEN],
  adminAddresses: null,
  corsOrigins: [],
  keyPrefix: 'sk-',
  keyExpiryDays: 30,
  dailyRequestLimit: 200,
  requestsPerMinute: 0,
  operationLog: true,
  applications: null,
  applicationsDays: 0,
  ledgerDays: 0,
  bodyBytesMax: 1_000_000,
  exchangeMsMax: 60_000,
  warnings: [],
};
