import type { IncomingMessage } from 'node:http';
import type { VaultFailureKind } from '#core/vault.ts';
import type { Fault } from '#test/fakes/fault-proxy.ts';
import {
  answerWith,
  flipRequestAt,
  flipResponseAt,
  hang,
  hangResponseAt,
  loseAnswer,
  resetRequestAt,
  resetResponseAt,
  slowDown,
  truncateResponseAt,
} from '#test/fakes/fault-proxy.ts';
import { BUCKET } from './object-stores.ts';

/** How an operation may end: well, refused, or with bytes that are others, or a list without objects. */
export type Ending = VaultFailureKind | 'conflict' | 'done' | 'altered' | 'empty';

export type Operation = 'put' | 'putFile' | 'replace' | 'get' | 'getFile' | 'list' | 'delete';
export const OPERATIONS: readonly Operation[] = [
  'put',
  'putFile',
  'replace',
  'get',
  'getFile',
  'list',
  'delete',
];

/** A trouble on the way to the store, and how the vault's operations end while it lasts. */
export interface FaultRow {
  readonly name: string;
  readonly fault: Fault | 'refused';
  /** Which requests it happens to; all unless said otherwise. */
  readonly only?: (request: Request) => boolean;
  /** To how many of these requests for each object; all unless said otherwise. */
  readonly times?: number;
  /** An operation that is not named ends well. */
  readonly ends: Partial<Record<Operation, Ending>>;
}

type Request = Pick<IncomingMessage, 'method' | 'url'>;

const isList = ({ url = '' }: Request) => url.includes('list-type');
const isGet = (request: Request) => request.method === 'GET' && !isList(request);
const isHead = ({ method }: Request) => method === 'HEAD';
const isPart = ({ url = '' }: Request) => url.includes('partNumber');
const isPut = ({ method }: Request) => method === 'PUT';
const isSmallPut = (request: Request) => isPut(request) && !isPart(request);
const isSmallGet = (request: Request) => isGet(request) && request.url?.includes('large') !== true;
const isCompletion = ({ method, url = '' }: Request) => method === 'POST' && url.includes('uploadId');
const isWrite = (request: Request) => isPut(request) || isCompletion(request);
const isConditional = (request: Request) => isWrite(request) && !isPart(request);

const all = (ending: Ending) => Object.fromEntries(OPERATIONS.map((operation) => [operation, ending]));
const writes = (ending: Ending) => ({ put: ending, putFile: ending, replace: ending });
const reads = (ending: Ending) => ({ get: ending, getFile: ending });

const XML = { 'content-type': 'application/xml' };
const HTML = { 'content-type': 'text/html' };
const PAGE = '<!doctype html><html><head><title>Log in</title></head><body>Log in first.<br></body></html>';
/** As above, and XML to whoever does not look closely. */
const STRICT_PAGE = '<html><head><title>Log in</title></head><body>Log in first.</body></html>';
const EMPTY_LIST = `<ListBucketResult><Name>${BUCKET}</Name><IsTruncated>false</IsTruncated></ListBucketResult>`;

function refuse(status: number, code: string): Fault {
  return answerWith(status, `<Error><Code>${code}</Code><Message>No.</Message></Error>`, XML);
}

export const FAULT_ROWS: readonly FaultRow[] = [
  { name: 'connections refused', fault: 'refused', ends: all('unreachable') },
  { name: 'a reset before anything', fault: resetRequestAt(0), ends: all('unreachable') },
  { name: 'one reset before anything', fault: resetRequestAt(0), times: 1, ends: {} },
  {
    name: 'a reset at byte 1 of what is sent',
    fault: resetRequestAt(1),
    only: isPut,
    ends: writes('unreachable'),
  },
  {
    name: 'a reset at byte 100,000 of what is sent',
    fault: resetRequestAt(100_000),
    only: isPut,
    ends: writes('unreachable'),
  },
  {
    name: 'a reset at byte 100,000 of what is read',
    fault: resetResponseAt(100_000),
    only: isGet,
    ends: { ...reads('unreachable'), ...writes('unreachable') },
  },
  {
    name: 'a reset at byte 10 of a list',
    fault: resetResponseAt(10),
    only: isList,
    ends: { list: 'unreachable' },
  },
  { name: 'one answer to a write that is lost', fault: loseAnswer, only: isWrite, times: 1, ends: {} },
  {
    name: 'one answer to the last part of a write that is lost',
    fault: loseAnswer,
    only: isCompletion,
    times: 1,
    ends: {},
  },
  {
    name: 'every answer to a write that is lost',
    fault: loseAnswer,
    only: isWrite,
    ends: writes('unreachable'),
  },
  { name: 'no answer', fault: hang, ends: all('unreachable') },
  {
    name: 'silence at byte 100,000 of what is read',
    fault: hangResponseAt(100_000),
    only: isGet,
    ends: { ...reads('unreachable'), ...writes('unreachable') },
  },
  { name: 'silence in mid-list', fault: hangResponseAt(10), only: isList, ends: { list: 'unreachable' } },
  ...[429, 500, 503].flatMap((status): FaultRow[] => [
    { name: `${status} once`, fault: refuse(status, 'SlowDown'), times: 1, ends: {} },
    { name: `${status} for long`, fault: refuse(status, 'SlowDown'), ends: all('unreachable') },
  ]),
  { name: '403', fault: refuse(403, 'AccessDenied'), ends: all('denied') },
  { name: '403 to writers', fault: refuse(403, 'AccessDenied'), only: isWrite, ends: writes('denied') },
  { name: '404 NoSuchBucket', fault: refuse(404, 'NoSuchBucket'), ends: all('missing') },
  { name: '404 with a page', fault: answerWith(404, PAGE, HTML), ends: all('broken') },
  { name: '404 with nothing', fault: answerWith(404), ends: all('broken') },
  {
    name: '412 for nothing',
    fault: refuse(412, 'PreconditionFailed'),
    only: isWrite,
    ends: writes('broken'),
  },
  {
    name: '409 once',
    fault: refuse(409, 'ConditionalRequestConflict'),
    only: isConditional,
    times: 1,
    ends: {},
  },
  {
    name: '409 for long',
    fault: refuse(409, 'ConditionalRequestConflict'),
    only: isConditional,
    ends: writes('unreachable'),
  },
  { name: '200 with a page', fault: answerWith(200, PAGE, HTML), ends: all('broken') },
  {
    name: '200 with a page to writers',
    fault: answerWith(200, PAGE, HTML),
    only: (request) => isWrite(request) || request.method === 'POST',
    ends: writes('broken'),
  },
  { name: '200 with a page that is XML', fault: answerWith(200, STRICT_PAGE, HTML), ends: all('broken') },
  {
    name: '200 with a page that has an entity tag',
    fault: answerWith(200, STRICT_PAGE, { ...HTML, etag: '"page"' }),
    ends: all('broken'),
  },
  { name: '200 with nothing', fault: answerWith(200), ends: all('broken') },
  {
    name: '200 to writers, and nothing stored',
    fault: answerWith(200, '', { etag: '"lie"' }),
    only: isPut,
    ends: writes('broken'),
  },
  {
    name: 'a length that is another',
    fault: answerWith(200, '', { etag: '"lie"', 'content-length': '7' }),
    only: isHead,
    ends: { put: 'conflict', putFile: 'conflict', replace: 'broken', delete: 'broken' },
  },
  {
    name: 'a truncated answer',
    fault: truncateResponseAt(100_000),
    only: isGet,
    ends: { ...reads('unreachable'), ...writes('unreachable') },
  },
  {
    name: 'a flipped byte in what is sent',
    fault: flipRequestAt(1_000),
    only: isPut,
    ends: writes('broken'),
  },
  {
    name: 'a flipped byte in what is read back',
    fault: flipResponseAt(1_000),
    only: isGet,
    ends: { ...writes('broken'), ...reads('altered') },
  },
  { name: 'an empty list', fault: answerWith(200, EMPTY_LIST, XML), only: isList, ends: { list: 'empty' } },
  // What is sent is out of the vault's sight while it is on its way; that, too, is silence.
  { name: 'a slow way there', fault: slowDown(40_000, 100), only: isSmallPut, ends: {} },
  {
    name: 'a way back on which all takes longer than silence may last',
    fault: slowDown(40_000, 300),
    only: isSmallGet,
    ends: {},
  },
];
