import type { S3, S3ClientConfig } from '@aws-sdk/client-s3';
import type { VaultFailureKind } from '#core/vault.ts';
import { isVaultName, VaultFailure } from '#core/vault.ts';
import { failureOf } from './failure-of.ts';
import type { S3Config, S3Limits } from './s3-config.ts';

/** A bucket, and the way of asking it for something. */
export interface Bucket {
  readonly location: string;
  readonly limits: S3Limits;
  /** With what the keys of all objects of the vault begin: nothing, or a folder. */
  readonly keyPrefix: string;
  /** What names an object in a request. @throws Error for what is no name of a vault's object */
  objectOf(name: string): { readonly Bucket: string; readonly Key: string };
  /** What names a folder in a request. @throws Error for what does not end with `/`, or is none of the vault's */
  folderOf(folder: string): { readonly Bucket: string; readonly Prefix: string };
  /** Sends one request, again where that may help, and gives up in a bounded time. @throws VaultFailure */
  call<T>(what: string, send: (s3: S3, within: Deadline) => Promise<T>): Promise<T>;
  failure(kind: VaultFailureKind, text: string, options?: ErrorOptions): VaultFailure;
  close(): void;
}

interface Deadline {
  readonly abortSignal: AbortSignal;
}

/** Does nothing yet: the SDK, which takes 80 ms and some memory to load, is loaded when something is asked. */
export function connectBucket(config: S3Config): Bucket {
  const { bucket, limits, endpoint } = config;
  const prefix = config.prefix.replaceAll(/^\/+|\/+$/g, '');
  const location = prefix === '' ? `s3://${bucket}` : `s3://${bucket}/${prefix}`;
  const keyPrefix = prefix === '' ? '' : `${prefix}/`;
  const place = { location, bucket, endpoint: endpoint === null ? 'AWS' : new URL(endpoint).origin };
  let connection: Promise<S3> | undefined;

  async function connect(): Promise<S3> {
    const sdk = await import('@aws-sdk/client-s3');
    return new sdk.S3(clientConfigOf(config));
  }

  return {
    location,
    limits,
    keyPrefix,
    objectOf: (name) => ({ Bucket: bucket, Key: keyPrefix + known(name) }),
    folderOf(folder) {
      known(folder.endsWith('/') ? folder.slice(0, -1) : '');
      return { Bucket: bucket, Prefix: keyPrefix + folder };
    },
    async call(what, send) {
      connection ??= connect();
      // The SDK's own limits end at the head of an answer; what comes after it may be slow, too.
      const deadline = AbortSignal.timeout(limits.attempts * (limits.connectMs + limits.answerMs));
      try {
        return await send(await connection, { abortSignal: deadline });
      } catch (error) {
        throw failureOf(place, what, error);
      }
    },
    failure: (kind, text, options) => new VaultFailure(kind, `${location}: ${text}`, options),
    close: () =>
      void connection?.then(
        (s3) => s3.destroy(),
        () => {},
      ),
  };
}

function known(name: string): string {
  if (!isVaultName(name)) throw new Error(`not a name of an object of a vault: ${JSON.stringify(name)}`);
  return name;
}

function clientConfigOf({ endpoint, region, forcePathStyle, credentials, limits }: S3Config): S3ClientConfig {
  const config: S3ClientConfig = {
    forcePathStyle: forcePathStyle ?? endpoint !== null,
    // Newer checksums are not understood by every store, and what is read back is compared anyway.
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestChecksumCalculation: endpoint === null ? 'WHEN_SUPPORTED' : 'WHEN_REQUIRED',
    retryMode: 'standard',
    maxAttempts: limits.attempts,
    requestHandler: {
      connectionTimeout: limits.connectMs,
      requestTimeout: limits.answerMs,
      throwOnRequestTimeout: true,
      socketTimeout: limits.silenceMs,
    },
  };
  if (endpoint !== null) config.endpoint = endpoint;
  const known = region ?? (endpoint === null ? null : 'us-east-1');
  if (known !== null) config.region = known;
  if (credentials !== null) {
    const { accessKeyId, secretAccessKey, sessionToken } = credentials;
    config.credentials = { accessKeyId, secretAccessKey, ...(sessionToken !== null && { sessionToken }) };
  }
  return config;
}
