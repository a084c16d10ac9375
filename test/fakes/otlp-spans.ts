/** A span as a collector reads it. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty: it has none. */
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly name: string;
  readonly kind: 'INTERNAL' | 'SERVER' | 'CLIENT' | 'other';
  readonly isError: boolean;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: CollectedAttributes;
  /** What it says of the process that it comes from. */
  readonly resource: CollectedAttributes;
}

type CollectedAttributes = Readonly<Record<string, string | number | boolean>>;

/** The spans of an `ExportTraceServiceRequest` in protobuf (opentelemetry-proto 1.x), read by its field numbers. */
export function spansInProtobuf(bytes: Uint8Array): readonly CollectedSpan[] {
  return fieldsOf(bytes)
    .messages(1)
    .flatMap((resourceSpans) => {
      const resource = attributesOf(resourceSpans.messages(1).flatMap((each) => each.messages(1)));
      return resourceSpans
        .messages(2)
        .flatMap((scopeSpans) => scopeSpans.messages(2).map((span) => spanOf(span, resource)));
    });
}

const KINDS = ['other', 'INTERNAL', 'SERVER', 'CLIENT'] as const;
const ERROR = 2;

function spanOf(span: Fields, resource: CollectedAttributes): CollectedSpan {
  return {
    traceId: span.bytes(1).toString('hex'),
    spanId: span.bytes(2).toString('hex'),
    traceState: span.bytes(3).toString(),
    parentSpanId: span.bytes(4).toString('hex'),
    name: span.bytes(5).toString(),
    kind: KINDS[Number(span.number(6))] ?? 'other',
    startMs: Number(span.number(7)) / 1e6,
    endMs: Number(span.number(8)) / 1e6,
    attributes: attributesOf(span.messages(9)),
    isError: span.messages(15).some((status) => Number(status.number(3)) === ERROR),
    resource,
  };
}

function attributesOf(pairs: readonly Fields[]): CollectedAttributes {
  return Object.fromEntries(
    pairs.map((pair) => [
      pair.bytes(1).toString(),
      anyValue(pair.messages(2)[0] ?? fieldsOf(new Uint8Array())),
    ]),
  );
}

function anyValue(value: Fields): string | number | boolean {
  if (value.has(2)) return value.number(2) === 1n;
  if (value.has(3)) return Number(BigInt.asIntN(64, value.number(3)));
  if (value.has(4)) return new DataView(new BigUint64Array([value.number(4)]).buffer).getFloat64(0, true);
  return value.bytes(1).toString();
}

/** The fields of a message, by number; one that is absent is empty, or zero. */
interface Fields {
  has(number: number): boolean;
  number(number: number): bigint;
  bytes(number: number): Buffer;
  messages(number: number): readonly Fields[];
}

function fieldsOf(bytes: Uint8Array): Fields {
  const all = [...read(Buffer.from(bytes))];
  const last = (wanted: number) => all.findLast(({ number }) => number === wanted)?.value;
  return {
    has: (number) => last(number) !== undefined,
    number: (number) => BigInt((last(number) as bigint | undefined) ?? 0n),
    bytes: (number) => (last(number) as Buffer | undefined) ?? Buffer.alloc(0),
    messages: (wanted) =>
      all.filter(({ number }) => number === wanted).map(({ value }) => fieldsOf(value as Buffer)),
  };
}

/** The wire format of protobuf: a tag, and a varint, eight bytes, four bytes, or a length and so many bytes. */
function* read(bytes: Buffer): Iterable<{ readonly number: number; readonly value: bigint | Buffer }> {
  let offset = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes.readUInt8(offset++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number) => {
    offset += length;
    return bytes.subarray(offset - length, offset);
  };
  while (offset < bytes.length) {
    const tag = Number(varint());
    const number = tag >> 3;
    switch (tag & 7) {
      case 0:
        yield { number, value: varint() };
        break;
      case 1:
        yield { number, value: take(8).readBigUInt64LE() };
        break;
      case 2:
        yield { number, value: take(Number(varint())) };
        break;
      case 5:
        yield { number, value: BigInt(take(4).readUInt32LE()) };
        break;
      default:
        throw new Error(`no field of protobuf begins with ${tag}`);
    }
  }
}
