export interface S3Config {
  readonly bucket: string;
  /** The folder of the bucket that is the vault; empty for the whole bucket. */
  readonly prefix: string;
  /** `null` for AWS itself. */
  readonly endpoint: string | null;
  /** `null`: what the SDK finds, or `us-east-1` at an endpoint of one's own. */
  readonly region: string | null;
  /** `null`: path style exactly where there is an endpoint. */
  readonly forcePathStyle: boolean | null;
  /** `null` for the SDK's standard chain. */
  readonly credentials: S3Credentials | null;
  readonly limits: S3Limits;
}

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | null;
}

/** The SDK has none of these times by default: it would wait for ever. */
export interface S3Limits {
  readonly connectMs: number;
  /** From sending a request, with its body, to the head of the answer. */
  readonly answerMs: number;
  /** How long nothing may move on a connection in use. */
  readonly silenceMs: number;
  /** How often a request is sent before its failure is the caller's. */
  readonly attempts: number;
}

export const S3_LIMITS: S3Limits = {
  connectMs: 10_000,
  // A part of 8 MiB gets through in this time at 70 kB/s.
  answerMs: 2 * 60_000,
  // A store on a file system is silent while it puts the parts of a large object together.
  silenceMs: 2 * 60_000,
  attempts: 3,
};
