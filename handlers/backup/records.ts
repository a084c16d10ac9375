import * as z from 'zod';
import type { Head, Manifest, SegmentHeader } from '#core/backup.ts';
import { METERS, PERIODS } from '#core/model.ts';
import type { DrillRecord } from '#core/snapshot.ts';
import { RecordBroken } from './checked-text.ts';

const count = z.int().min(0);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const lineageId = z.string().regex(/^[0-9a-f]{32}$/);
const snapshotId = z.string().regex(/^\d{8}T\d{6}Z$/);
const lineage = z.object({ id: lineageId, parent: lineageId.nullable() });
const mark = z.object({ ledgerN: count, operationN: count, keyChangeN: count });
const amount = z.record(z.enum(METERS), count);
const bucket = z.object({ period: z.enum(PERIODS), startsAt: z.int(), used: amount, held: amount });

const manifest = z.object({
  id: snapshotId,
  lineage,
  createdAt: z.int(),
  version: z.string(),
  schema: count,
  timeZone: z.string(),
  mark,
  tables: z.record(z.string(), z.object({ rows: count, digest: sha256 })),
  database: z.object({ bytes: count, sha256 }),
  object: z.object({ name: z.string(), bytes: count, sha256 }),
  recipient: z.string().nullable(),
  pepperCheck: z.string(),
  segment: z.object({ number: count, sha256: z.union([sha256, z.literal('')]) }),
  shippedThrough: count,
});

const segmentHeader = z.object({
  lineage: lineageId,
  number: z.int().min(1),
  previous: sha256,
  from: mark,
  through: mark,
  cutAt: z.int(),
  sponsor: z.array(bucket).nullable(),
});

const head = z.object({ lineage, claim: z.string().min(1), claimedAt: z.int() });

const drill = z.object({
  snapshotId,
  at: z.int(),
  durationMs: count,
  segments: count,
  problems: z.array(z.string()),
});

interface Records {
  readonly manifest: Manifest;
  readonly segment: SegmentHeader;
  readonly head: Head;
  readonly drill: DrillRecord;
}

type Kind = keyof Records;

/** What the vault keeps as JSON beside the sealed objects, by its kind. Names are those of the tables and the API. */
const records: { readonly [K in Kind]: z.ZodType<Records[K]> } = {
  manifest,
  segment: segmentHeader,
  head,
  drill,
};

/** One line: `{"quota_proxy": "manifest", …}`. A future format has another kind, and is refused by name here. */
export function recordLine<K extends Kind>(kind: K, value: Records[K]): string {
  return `${JSON.stringify({ quota_proxy: kind, ...inSnakeCase(value) })}\n`;
}

/** What a line says. @throws RecordBroken which names `name` */
export function readRecord<K extends Kind>(kind: K, line: string, name: string): Records[K] {
  const value = parsed(line, name);
  const { quota_proxy: found, ...rest } = value;
  if (found !== kind) throw new RecordBroken(`${name} is no ${kind} that this version knows`);
  const read = records[kind].safeParse(inCamelCase(rest));
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new RecordBroken(`${name} is no ${kind} of this version: ${issue?.path.join('.')} ${issue?.message}`);
}

function parsed(line: string, name: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    throw new RecordBroken(`${name} is not JSON`);
  }
}

/** Members of `tables` are names of tables, and stay what they are in either case: they are in snake_case here and there. */
function inSnakeCase(value: object): object {
  return renamed(value, (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)) as object;
}

function inCamelCase(value: object): object {
  return renamed(value, (name) =>
    name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
  ) as object;
}

function renamed(value: unknown, rename: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => renamed(item, rename));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      rename(name),
      name === 'tables' ? member : renamed(member, rename),
    ]),
  );
}
