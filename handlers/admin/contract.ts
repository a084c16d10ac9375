import type { ActionGroup } from './contract/action.ts';
import { applications } from './contract/applications.ts';
import { backups } from './contract/backups.ts';
import { keys } from './contract/keys.ts';
import { operations } from './contract/operations.ts';
import { requests } from './contract/requests.ts';
import { sponsor } from './contract/sponsor.ts';
import { status } from './contract/status.ts';
import { usage } from './contract/usage.ts';

/** The admin API, whole: routes, validation, the client and the documents come from this table. */
export const contract = {
  keys,
  applications,
  usage,
  requests,
  sponsor,
  operations,
  backups,
  status,
} as const satisfies Readonly<Record<string, ActionGroup>>;

export type Contract = typeof contract;
