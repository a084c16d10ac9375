import { readFileSync } from 'node:fs';
import type { ToolConfig } from '#adapters/container/config.ts';
import { readToolConfig } from '#adapters/container/config.ts';
import type { AdminClient } from '#handlers/admin/client.ts';
import { createAdminClient } from '#handlers/admin/client.ts';
import { CommandFailed } from './command-failed.ts';

/**
 * The admin API of the server at QUOTA_PROXY_URL, or of the one that runs with this environment on this machine.
 * @throws CommandFailed if there is no admin token to be found
 */
export function connect(): AdminClient {
  const config = readToolConfig();
  return createAdminClient({
    baseUrl: config.baseUrl,
    token: tokenOf(config),
    fetch: (request) => fetch(request),
  });
}

function tokenOf({ adminToken, adminTokenPath }: ToolConfig): string {
  if (adminToken !== null) return adminToken;
  try {
    return readFileSync(adminTokenPath, 'utf8').trim();
  } catch {
    throw new CommandFailed(
      `There is no admin token: set ADMIN_TOKEN to that of the server, or run this where ${adminTokenPath} is`,
    );
  }
}
