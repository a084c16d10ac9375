import type { Route } from '../route.ts';
import type { Services } from '../services.ts';
import { applicationActions } from './applications.ts';
import { backupActions } from './backups.ts';
import { contract } from './contract.ts';
import type { Ports } from './draft-changes.ts';
import { keyActions } from './keys.ts';
import { operationActions } from './operations.ts';
import { requestActions } from './requests.ts';
import { serve } from './serve.ts';
import { sponsorActions } from './sponsor.ts';
import { statusActions } from './status.ts';
import { usageActions } from './usage.ts';

/** The admin API. */
export function adminRoutes(services: Services): readonly Route[] {
  const implement = (ports: Ports) => {
    const own = { ...services, ...ports };
    return {
      keys: keyActions(own),
      applications: applicationActions(own),
      usage: usageActions(own),
      requests: requestActions(own),
      sponsor: sponsorActions(own),
      operations: operationActions(own),
      backups: backupActions(own),
      status: statusActions(own),
    };
  };
  return serve(contract, implement, services);
}
