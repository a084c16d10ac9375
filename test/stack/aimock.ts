import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { GenericContainer, Network, Wait } from 'testcontainers';
import { LABELS } from './docker.ts';

/** An upstream that nobody here wrote, on a network of its own, with a journal of what it was asked. */
export interface Aimock {
  /** The network that it is on, as a name. */
  readonly network: string;
  /** Where it is on that network. */
  readonly baseUrl: string;
  /** On this machine, and so for every container: the port that it is published on. */
  readonly publishedPort: number;
  /** The chat completions that it was asked for, oldest first. */
  journal(): Promise<readonly JournalEntry[]>;
  /** Puts a container of the test's on the network. */
  join(container: GenericContainer): GenericContainer;
  stop(): Promise<void>;
}

interface JournalEntry {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What it says it billed for every answer. */
export const BILLED = { prompt_tokens: 19, completion_tokens: 7, total_tokens: 26 };
export const ANSWER = 'Nothing is lost, and nobody pays twice.';

/** A model that it always fails for, with a status that clients try again. */
export const FAILING_MODEL = 'fails';

const FIXTURES = {
  fixtures: [
    {
      match: { model: FAILING_MODEL },
      response: { error: { message: 'Overloaded', type: 'server_error' }, status: 500 },
    },
    { match: {}, response: { content: ANSWER, usage: BILLED } },
  ],
};

const NODE_IMAGE = 'node:26-trixie-slim';
const require = createRequire(import.meta.url);
/** The package's folder: what it exports is in its `dist`. */
const PACKAGE = join(dirname(require.resolve('@copilotkit/aimock')), '..');
const PORT = 4010;

/** Starts `@copilotkit/aimock` from its package, which needs nothing but Node. */
export async function startAimock(): Promise<Aimock> {
  const network = await new Network().start();
  const container = await new GenericContainer(NODE_IMAGE)
    .withLabels(LABELS)
    .withNetwork(network)
    .withNetworkAliases('upstream')
    .withCopyDirectoriesToContainer([{ source: PACKAGE, target: '/aimock' }])
    .withCopyContentToContainer([{ content: JSON.stringify(FIXTURES), target: '/fixtures/chat.json' }])
    .withCommand([
      'node',
      '/aimock/dist/cli.js',
      '--host',
      '0.0.0.0',
      '--port',
      String(PORT),
      '-f',
      '/fixtures',
    ])
    .withExposedPorts(PORT)
    .withWaitStrategy(Wait.forHttp('/__aimock/journal', PORT))
    .start();
  const outside = `http://${container.getHost()}:${container.getMappedPort(PORT)}`;
  return {
    network: network.getName(),
    baseUrl: `http://upstream:${PORT}/v1`,
    publishedPort: container.getMappedPort(PORT),
    async journal() {
      const reply = await fetch(`${outside}/__aimock/journal?path=/v1/chat/completions`);
      return (await reply.json()) as JournalEntry[];
    },
    join: (other) => other.withLabels(LABELS).withNetwork(network),
    async stop() {
      await container.stop();
      await network.stop();
    },
  };
}
