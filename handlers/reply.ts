/** The four members of OpenAI's error object, and the status that it comes with. */
export interface WireError {
  readonly status: number;
  readonly type: string;
  readonly code: string;
  readonly message: string;
  /** The member of the body that is wrong; `null` if it is none. */
  readonly param?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A JSON answer. */
export function json(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { ...headers, 'content-type': 'application/json' },
  });
}

const errors = new WeakMap<Response, WireError>();

/** An error as OpenAI's clients read it. Everything that this proxy refuses or fails is told this way. */
export function errorReply(error: WireError): Response {
  const reply = json(error.status, errorBody(error), error.headers);
  errors.set(reply, error);
  return reply;
}

/** The error that a reply tells of; `null` if it tells of none. */
export function errorOf(reply: Response): WireError | null {
  return errors.get(reply) ?? null;
}

/** The body of an error: also what a broken stream ends with. */
export function errorBody({ message, type, param = null, code }: Omit<WireError, 'status' | 'headers'>) {
  return { error: { message, type, param, code } };
}
