import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** An object store as plain as S3 allows: no conditional writes, short pages, nothing checked. */
export interface PlainObjectServer {
  readonly endpoint: string;
  readonly bucket: string;
  keys(): string[];
  /** Puts an object there, as somebody else would. */
  add(key: string, bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

const BUCKET = 'plain-bucket';
const PAGE_KEYS = 2;
const XML = '<?xml version="1.0" encoding="UTF-8"?>';

/** Bodies are kept in files: a test measures the memory of its process, which is this one's, too. */
export async function startPlainObjectServer(): Promise<PlainObjectServer> {
  const directory = await mkdtemp(join(tmpdir(), 'plain-object-server-'));
  const objects = new Map<string, string>();
  const uploads = new Map<string, Map<number, string>>();
  let files = 0;
  const newFile = () => join(directory, String(files++));

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://plain.test');
    const [bucket, ...steps] = decodeURIComponent(pathname).slice(1).split('/');
    const key = steps.join('/');
    const body = newFile();
    await pipeline(request, createWriteStream(body));
    if (bucket !== BUCKET) return refuse(response, 404, 'NoSuchBucket');
    const { method = '' } = request;
    const asked: Asked = { method, response, key, body, query: searchParams, objects, uploads };
    if (searchParams.has('uploads') || searchParams.has('uploadId')) return answerUpload(asked);
    return key === '' ? answerList(asked) : answerObject(asked);
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    bucket: BUCKET,
    keys: () => [...objects.keys()],
    async add(key, bytes) {
      const file = newFile();
      await writeFile(file, bytes);
      objects.set(key, file);
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(directory, { recursive: true });
    },
  };
}

interface Asked {
  readonly method: string;
  readonly response: ServerResponse;
  readonly key: string;
  /** The file that the body is in. */
  readonly body: string;
  readonly query: URLSearchParams;
  readonly objects: Map<string, string>;
  readonly uploads: Map<string, Map<number, string>>;
}

async function answerObject({ method, response, key, body, objects }: Asked): Promise<void> {
  const found = objects.get(key);
  if (method === 'PUT') {
    objects.set(key, body);
    response.writeHead(200, { etag: '"put"' }).end();
  } else if (method === 'DELETE') {
    objects.delete(key);
    response.writeHead(204).end();
  } else if (found === undefined) {
    refuse(response, 404, 'NoSuchKey');
  } else {
    response.writeHead(200, { etag: '"found"', 'content-length': (await stat(found)).size });
    if (method === 'HEAD') response.end();
    else await pipeline(createReadStream(found), response);
  }
}

async function answerList({ response, query, objects }: Asked): Promise<void> {
  const prefix = query.get('prefix') ?? '';
  const after = query.get('continuation-token') ?? '';
  const found = [...objects].filter(([key]) => key.startsWith(prefix) && key > after).sort();
  const page = found.slice(0, PAGE_KEYS);
  const isTruncated = found.length > page.length;
  const contents = page.map(async ([key, file]) => {
    return `<Contents><Key>${key}</Key><Size>${(await stat(file)).size}</Size></Contents>`;
  });
  const next = isTruncated ? `<NextContinuationToken>${page.at(-1)?.[0]}</NextContinuationToken>` : '';
  const inside = `<Name>${BUCKET}</Name><IsTruncated>${isTruncated}</IsTruncated>${next}`;
  const listed = (await Promise.all(contents)).join('');
  response.end(`${XML}<ListBucketResult>${inside}${listed}</ListBucketResult>`);
}

async function answerUpload({ method, response, key, body, query, objects, uploads }: Asked): Promise<void> {
  const id = query.get('uploadId') ?? String(uploads.size + 1);
  const parts = uploads.get(id);
  if (query.has('uploads')) {
    uploads.set(id, new Map());
    const inside = `<Bucket>${BUCKET}</Bucket><Key>${key}</Key><UploadId>${id}</UploadId>`;
    response.end(`${XML}<InitiateMultipartUploadResult>${inside}</InitiateMultipartUploadResult>`);
  } else if (parts === undefined) {
    refuse(response, 404, 'NoSuchUpload');
  } else if (method === 'PUT') {
    parts.set(Number(query.get('partNumber')), body);
    response.writeHead(200, { etag: '"part"' }).end();
  } else if (method === 'DELETE') {
    uploads.delete(id);
    response.writeHead(204).end();
  } else {
    objects.set(key, await joined(parts));
    uploads.delete(id);
    response.end(`${XML}<CompleteMultipartUploadResult><ETag>"all"</ETag></CompleteMultipartUploadResult>`);
  }
}

async function joined(parts: ReadonlyMap<number, string>): Promise<string> {
  const [first = '', ...others] = [...parts].sort(([a], [b]) => a - b).map(([, file]) => file);
  for (const other of others) {
    await pipeline(createReadStream(other), createWriteStream(first, { flags: 'a' }));
  }
  const whole = `${first}.joined`;
  await rename(first, whole);
  return whole;
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(`${XML}<Error><Code>${code}</Code><Message>Said ${code}.</Message></Error>`);
}
