import type { StartedTestContainer } from 'testcontainers';
import { GenericContainer, getContainerRuntimeClient, Wait } from 'testcontainers';
import { expect } from 'vitest';
import type { AdminClient } from '#handlers/admin/client.ts';
import { createAdminClient } from '#handlers/admin/client.ts';
import type { Aimock } from './aimock.ts';
import { ADMIN_TOKEN, LABELS, REPOSITORY } from './docker.ts';

export type Env = Readonly<Record<string, string>>;

/** The image, built from this repository, and containers of it beside one upstream. */
export interface Deployment {
  /** A server on a volume, once it is ready. */
  serve(volume: string, env: Env): Promise<StartedTestContainer>;
  /** A container that does nothing: an operator's commands are run in it. */
  idle(volume: string, env: Env): Promise<StartedTestContainer>;
  /** Makes a container that is already running reachable by a name. */
  putBeside(container: StartedTestContainer, name: string): Promise<void>;
  /** Takes the image away. */
  remove(): Promise<void>;
}

// Of this process's own, so that nobody takes it away from here; the layers are those of all tests.
const IMAGE = `quota-proxy-test:backups-${process.pid}`;
const PORT = 8787;

export async function buildDeployment(upstream: Aimock): Promise<Deployment> {
  await GenericContainer.fromDockerfile(REPOSITORY).withBuildkit().build(IMAGE, { deleteOnExit: false });
  const { container: runtime } = await getContainerRuntimeClient();
  const containerOn = (volume: string, env: Env) =>
    upstream
      .join(new GenericContainer(IMAGE))
      .withBindMounts([{ source: volume, target: '/data' }])
      .withEnvironment({
        ADMIN_TOKEN,
        UPSTREAM_BASE_URL: upstream.baseUrl,
        UPSTREAM_API_KEY: 'sk-upstream-key-of-the-stack',
        UPSTREAM_CHECK: 'false',
        ENABLE_RATE_LIMIT: 'false',
        DAILY_REQ_LIMIT: '0',
        ...env,
      });
  return {
    serve: (volume, env) =>
      containerOn(volume, env)
        .withExposedPorts(PORT)
        .withWaitStrategy(Wait.forHttp('/healthz', PORT))
        .start(),
    idle: (volume, env) =>
      containerOn(volume, env)
        .withCommand(['sleep', 'infinity'])
        // Where nothing is served, the image's own health check does not pass.
        .withWaitStrategy(Wait.forSuccessfulCommand('true'))
        .start(),
    async putBeside(container, name) {
      const network = runtime.dockerode.getNetwork(upstream.network);
      await network.connect({ Container: container.getId(), EndpointConfig: { Aliases: [name] } });
    },
    async remove() {
      await runtime.dockerode.getImage(IMAGE).remove();
    },
  };
}

export async function makeVolume(name: string): Promise<void> {
  const { container } = await getContainerRuntimeClient();
  await container.dockerode.createVolume({ Name: name, Labels: LABELS });
}

/** @throws where the volume is not there, or in use */
export async function removeVolume(name: string): Promise<void> {
  const { container } = await getContainerRuntimeClient();
  await container.dockerode.getVolume(name).remove();
}

/** Ends it at once, as a crash would. */
export async function kill9(started: StartedTestContainer): Promise<void> {
  const { container } = await getContainerRuntimeClient();
  await container.dockerode.getContainer(started.getId()).kill({ signal: 'SIGKILL' });
}

/** Runs a command that must succeed, and resolves with what it printed. */
export async function run(container: StartedTestContainer, ...command: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await container.exec(command);
  expect(exitCode, `${command.join(' ')}: ${stderr}`).toBe(0);
  return stdout;
}

export function adminOf(server: StartedTestContainer): AdminClient {
  return createAdminClient({ baseUrl: urlOf(server), token: ADMIN_TOKEN, fetch });
}

export function chat(server: StartedTestContainer, key: string, stream = false): Promise<Response> {
  const messages = [{ role: 'user', content: 'Will anything be lost?' }];
  return fetch(`${urlOf(server)}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'deepseek-chat', messages, stream }),
  });
}

function urlOf(server: StartedTestContainer): string {
  return `http://${server.getHost()}:${server.getMappedPort(PORT)}`;
}
