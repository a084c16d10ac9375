import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { ConfigError } from './config-error.ts';

export interface Listening {
  readonly host: string;
  readonly port: number;
}

/** Resolves once `server` listens. @throws ConfigError which names host and port, and says what to do */
export async function listen(server: Server, { host, port }: Listening): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new ConfigError([problemOf(error, host, port)]);
  }
}

/**
 * Whether something could listen there a moment ago: told before anything else is done, so that a port that is taken
 * leaves nothing half-made behind. @throws ConfigError
 */
export async function refuseTakenPort(listening: Listening): Promise<void> {
  const probe = createServer();
  await listen(probe, listening);
  probe.close();
  await once(probe, 'close');
}

function problemOf(error: unknown, host: string, port: number): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const place = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  switch (code) {
    case 'EADDRINUSE':
      return `${place} is in use by another program: stop that one (ss -ltnp "sport = :${port}" shows which), or set PORT to another`;
    case 'EACCES':
      return `${place} may not be listened on by this user: set PORT to 1024 or more`;
    case 'EADDRNOTAVAIL':
      return `HOST is '${host}', which is no address of this machine (PORT ${port}): set it to 127.0.0.1, 0.0.0.0 or one that ip address shows`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `HOST is '${host}', a name without an address: set it to 127.0.0.1, 0.0.0.0 or an address of this machine`;
    default:
      return `nothing can listen on ${place} (${error instanceof Error ? error.message : String(error)}): set HOST and PORT`;
  }
}
