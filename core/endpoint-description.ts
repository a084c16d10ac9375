/** A member of a body as JSON Schema describes it. */
export interface DescribedMember {
  readonly type: string | readonly string[];
  readonly description?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
}

/** What the documents say of an endpoint. */
export interface EndpointDescription {
  /** One sentence. */
  readonly summary: string;
  /** The members that metering reads. Others are the upstream's business, and pass untouched. */
  readonly members: Readonly<Record<string, DescribedMember>>;
  readonly required: readonly string[];
  /** A body that works. */
  readonly example: Readonly<Record<string, unknown>>;
}
