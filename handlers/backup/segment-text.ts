import type { SegmentHeader } from '#core/backup.ts';
import { type CheckedText, checkedBody, withChecksum } from './checked-text.ts';
import { readRecord, recordLine } from './records.ts';

/** A segment that was read: what it says of itself, its rows as lines, and its checksum. */
export interface ReadSegment {
  readonly header: SegmentHeader;
  readonly rows: string;
  readonly sha256: string;
}

/** A segment as it is sealed: its header, the rows, its checksum, one line each. */
export function segmentText(header: SegmentHeader, rows: string): Promise<CheckedText> {
  return withChecksum(recordLine('segment', header) + rows);
}

/** @throws RecordBroken which names `name` */
export async function readSegment(bytes: Uint8Array, name: string): Promise<ReadSegment> {
  const { body, sha256 } = await checkedBody(bytes, name);
  const end = body.indexOf('\n') + 1;
  return { header: readRecord('segment', body.slice(0, end), name), rows: body.slice(end), sha256 };
}
