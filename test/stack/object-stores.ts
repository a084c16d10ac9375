import { S3 } from '@aws-sdk/client-s3';
import type { StartedNetwork, StartedTestContainer } from 'testcontainers';
import { GenericContainer, Wait } from 'testcontainers';
import type { S3Config } from '#adapters/s3/s3-config.ts';
import { S3_LIMITS } from '#adapters/s3/s3-config.ts';
import { LABELS } from './docker.ts';
import { MINIO_IMAGE, VERSITYGW_IMAGE } from './images.ts';

/** A real object store in a container, with an empty bucket. */
export interface ObjectStore {
  /** How it is reached from here. */
  readonly config: S3Config;
  /** Where it is on the network that it was put on. */
  readonly insideEndpoint: string;
  readonly container: StartedTestContainer;
  stop(): Promise<void>;
}

/** A network of the test's, and what the store is called on it. */
export interface Neighbourhood {
  readonly network: StartedNetwork;
  readonly alias: string;
}

export type StartObjectStore = (place?: Neighbourhood) => Promise<ObjectStore>;

export const STORE_CREDENTIALS = {
  accessKeyId: 'quota-proxy-stack',
  secretAccessKey: 'f1d2d2f924e986ac86fdf7b36c94bcdf',
  sessionToken: null,
};

export const BUCKET = 'quota-proxy-backups';

export const startMinio: StartObjectStore = (place) => {
  const container = new GenericContainer(MINIO_IMAGE)
    .withEnvironment({
      MINIO_ROOT_USER: STORE_CREDENTIALS.accessKeyId,
      MINIO_ROOT_PASSWORD: STORE_CREDENTIALS.secretAccessKey,
    })
    .withCommand(['server', '/data'])
    .withWaitStrategy(Wait.forHttp('/minio/health/ready', 9000));
  return start(container, 9000, place);
};

/** On its posix backend: objects are files of the container. */
export const startVersitygw: StartObjectStore = (place) => {
  const container = new GenericContainer(VERSITYGW_IMAGE)
    .withEnvironment({
      ROOT_ACCESS_KEY: STORE_CREDENTIALS.accessKeyId,
      ROOT_SECRET_KEY: STORE_CREDENTIALS.secretAccessKey,
    })
    // The image has no folder of its own for objects that its user could write to.
    .withTmpFs({ '/objects': 'rw' })
    .withCommand(['--port', ':7070', '--health', '/health', 'posix', '/objects'])
    .withWaitStrategy(Wait.forHttp('/health', 7070));
  return start(container, 7070, place);
};

async function start(image: GenericContainer, port: number, place?: Neighbourhood): Promise<ObjectStore> {
  image.withLabels(LABELS).withExposedPorts(port);
  if (place !== undefined) image.withNetwork(place.network).withNetworkAliases(place.alias);
  const container = await image.start();
  const config: S3Config = {
    bucket: BUCKET,
    prefix: '',
    endpoint: `http://${container.getHost()}:${container.getMappedPort(port)}`,
    region: null,
    forcePathStyle: null,
    credentials: STORE_CREDENTIALS,
    limits: S3_LIMITS,
  };
  await makeBucket(config);
  return {
    config,
    insideEndpoint: `http://${place?.alias ?? container.getHost()}:${port}`,
    container,
    async stop() {
      await container.stop();
    },
  };
}

async function makeBucket({ endpoint, bucket }: S3Config): Promise<void> {
  const s3 = new S3({
    endpoint: endpoint ?? '',
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: {
      accessKeyId: STORE_CREDENTIALS.accessKeyId,
      secretAccessKey: STORE_CREDENTIALS.secretAccessKey,
    },
  });
  await s3.createBucket({ Bucket: bucket });
  s3.destroy();
}
