import type { Route } from '../route.ts';
import type { Services } from '../services.ts';
import { backupActions } from './backups.ts';
import { contract } from './contract.ts';
import { keyActions } from './keys.ts';
import { operationActions } from './operations.ts';
import { requestActions } from './requests.ts';
import { serve } from './serve.ts';
import { sponsorActions } from './sponsor.ts';
import { statusActions } from './status.ts';
import { usageActions } from './usage.ts';

/** The admin API. */
export function adminRoutes(services: Services): readonly Route[] {
  const implementations = {
    keys: keyActions(services),
    usage: usageActions(services),
    requests: requestActions(services),
    sponsor: sponsorActions(services),
    operations: operationActions(services),
    backups: backupActions(services),
    status: statusActions(services),
  };
  return serve(contract, implementations, services);
}
