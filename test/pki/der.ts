// How does one write the same certificate in another way? DER pieces for tests that break the encoding on purpose.

/** One tag-length-value in the shortest form. */
export function tlv(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

/** Tag, content and all of the first value in the bytes. */
export function readTlv(bytes: Buffer): { readonly content: Buffer; readonly whole: Buffer } {
  const first = bytes[1] ?? 0;
  const more = first < 0x80 ? 0 : first & 0x7f;
  const length = more === 0 ? first : bytes.readUIntBE(2, more);
  const start = 2 + more;
  return { content: bytes.subarray(start, start + length), whole: bytes.subarray(0, start + length) };
}

/** The values that stand in a constructed value. */
export function children(bytes: Buffer): readonly Buffer[] {
  const found: Buffer[] = [];
  for (let rest = readTlv(bytes).content; rest.length > 0;) {
    const { whole } = readTlv(rest);
    found.push(whole);
    rest = rest.subarray(whole.length);
  }
  return found;
}

/** The same value with its length in more bytes than needed. */
export function withLongLength(bytes: Buffer): Buffer {
  const { content } = readTlv(bytes);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  return Buffer.concat([bytes.subarray(0, 1), Buffer.from([0x84]), length, content]);
}

/** The same value in BER's indefinite form. */
export function withIndefiniteLength(bytes: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, 1), Buffer.from([0x80]), readTlv(bytes).content, Buffer.from([0, 0])]);
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  if (length < 0x100) return Buffer.from([0x81, length]);
  if (length < 0x1_00_00) return Buffer.from([0x82, length >> 8, length & 0xff]);
  return Buffer.from([0x83, length >> 16, (length >> 8) & 0xff, length & 0xff]);
}
