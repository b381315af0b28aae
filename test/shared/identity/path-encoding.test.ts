// Is a certificate refused that two programs could read in two ways? Strict DER, wherever it stands in the path.
import { expect, describe, test } from 'vitest';

import { parseCertificate } from '../../../shared/identity/certificate.ts';
import { verifyPath } from '../../../shared/identity/path.ts';
import {
  basic,
  CLIENT_AUTH,
  craft,
  craftAuthority,
  craftDer,
  craftDevice,
  extension,
  keyIds,
  keysOf,
  keyUsage,
  purposes,
  type Crafted,
  type CraftWishes,
} from '../../pki/crafted.ts';
import { children, readTlv, tlv, withIndefiniteLength, withLongLength } from '../../pki/der.ts';

const NOW = '2026-11-24T12:00:00.000Z';
const MALFORMED = 'certificate-malformed';
const root = craftAuthority({ name: 'Encoding Root' });

type Change = (fields: readonly Buffer[]) => readonly Buffer[];

/** The same wrong in a device, in an issuer and in an anchor. */
function reasonsOf(wishes: Partial<CraftWishes>): readonly string[] {
  const leaf = craftDer({ ...deviceWishes(root), ...wishes });
  const ca = craftDer({ ...authorityWishes(), ...wishes });
  const below = craftDevice({
    name: 'B1',
    issuer: { keys: keysOf('Wrong'), subject: wishes.subject ?? authoritySubject() },
  });
  return [decide(leaf, [], [root.der]), decide(below.der, [ca], [root.der]), decide(below.der, [], [ca])];
}

function deviceWishes(issuer: Crafted): CraftWishes {
  const extensions = [
    basic(false),
    keyUsage('digitalSignature'),
    purposes(CLIENT_AUTH),
    ...keyIds(keysOf('A1'), issuer.keys),
  ];
  return { name: 'A1', issuer, extensions };
}

function authorityWishes(): CraftWishes {
  const extensions = [basic(true), keyUsage('keyCertSign'), ...keyIds(keysOf('Wrong'), root.keys)];
  return { name: 'Wrong', issuer: root, extensions };
}

function authoritySubject(): Buffer {
  return craft(authorityWishes()).subject;
}

/** What OpenSSL cannot read does not even come into question. */
function decide(leaf: Buffer, issuers: readonly Buffer[], anchors: readonly Buffer[]): string {
  const [first, ...others] = [leaf, ...issuers, ...anchors].map(parseCertificate);
  const all = others.flatMap((each) => (each.outcome === 'done' ? [each.value] : []));
  if (first?.outcome !== 'done') return MALFORMED;
  if (all.length < others.length) return 'unread';
  const question = { leaf: first.value, issuers: all.slice(0, issuers.length), anchors: all.slice(issuers.length) };
  const path = verifyPath({ ...question, usage: 'device', now: NOW });
  return path.outcome === 'done' ? 'accepted' : path.refusal.reason;
}

const field =
  (index: number, change: (field: Buffer) => Buffer): Change =>
  (fields) =>
    fields.map((each, at) => (at === index ? change(each) : each));
const [VERSION, ALGORITHM, VALIDITY, SUBJECT, EXTENSIONS] = [0, 2, 4, 5, 7];

test('what is crafted here is accepted when nothing is wrong with it', () => {
  expect(reasonsOf({})).toEqual(['accepted', 'accepted', 'accepted']);
});

describe('T036 refuses', () => {
  test.each<[string, Partial<CraftWishes>]>([
    ['a serial number of 0', { serial: '00' }],
    ['a negative serial number', { serial: '8001' }],
    ['a serial number of 21 bytes', { serial: '01'.repeat(21) }],
    ['a serial number with a byte that could be left out', { serial: '0001' }],
    ['a serial number of no bytes', { serial: '' }],
    [
      'an inner signature algorithm that differs from the outer one',
      { outer: Buffer.from('300a06082a8648ce3d040303', 'hex') },
    ],
    [
      'the same the other way round',
      { change: field(ALGORITHM, () => Buffer.from('300a06082a8648ce3d040303', 'hex')) },
    ],
    ['a length that is longer than needed', { change: field(SUBJECT, withLongLength) }],
    ['an indefinite length', { change: field(SUBJECT, withIndefiniteLength) }],
    ['a version 1 that is written down', { change: field(VERSION, () => Buffer.from('a003020100', 'hex')) }],
    ['a version 4', { change: field(VERSION, () => Buffer.from('a003020103', 'hex')) }],
    ['extensions in version 2', { change: field(VERSION, () => Buffer.from('a003020101', 'hex')) }],
    ['extensions in version 1', { change: (fields) => fields.slice(1) }],
    ['a field behind the extensions', { change: (fields) => [...fields, tlv(0x05)] }],
    [
      'unique identifiers',
      {
        change: (fields) => [
          ...fields.slice(0, EXTENSIONS),
          Buffer.from('81020001', 'hex'),
          ...fields.slice(EXTENSIONS),
        ],
      },
    ],
    [
      'a version 1 that is written down, without extensions',
      { extensions: [], change: field(VERSION, () => Buffer.from('a003020100', 'hex')) },
    ],
    [
      'a version 4 without extensions',
      { extensions: [], change: field(VERSION, () => Buffer.from('a003020103', 'hex')) },
    ],
    [
      'a unique identifier in place of extensions',
      { extensions: [], change: (fields) => [...fields, Buffer.from('82020001', 'hex')] },
    ],
    ['an empty list of extensions', { change: field(EXTENSIONS, () => tlv(0xa3, tlv(0x30))) }],
    [
      'a third time in the validity',
      { change: field(VALIDITY, (validity) => tlv(0x30, ...children(validity), ...children(validity).slice(1))) },
    ],
    ['a name of an empty set', { change: field(SUBJECT, () => tlv(0x30, tlv(0x31))), subject: tlv(0x30, tlv(0x31)) }],
    ['an issuer without a name', { issuer: { keys: root.keys, subject: tlv(0x30) } }],
    ['a time with a fraction', { notBefore: tlv(0x18, Buffer.from('20260101000000.5Z')) }],
    ['a time with an offset', { notBefore: tlv(0x17, Buffer.from('260101000000+0000')) }],
    ['a time without seconds', { notBefore: tlv(0x17, Buffer.from('2601010000Z')) }],
    ['a day that the calendar has not', { notBefore: tlv(0x17, Buffer.from('260230000000Z')) }],
    ['a second that the clock has not', { notBefore: tlv(0x17, Buffer.from('260101000060Z')) }],
    ['a time as text of another kind', { notBefore: tlv(0x16, Buffer.from('260101000000Z')) }],
  ])('%s', (_title, wishes) => {
    for (const reason of reasonsOf(wishes)) expect([MALFORMED, 'unread']).toContain(reason);
  });

  test('an empty subject of an authority, and of a device without a critical alternative name', () => {
    const nameless = tlv(0x30);
    expect(reasonsOf({ subject: nameless })[0]).toBe(MALFORMED);
    const named = (critical: boolean) => {
      const name = extension('551d11', tlv(0x30, tlv(0x82, Buffer.from('a1.example'))), critical);
      return decide(
        craftDer({
          ...deviceWishes(root),
          subject: nameless,
          extensions: [...(deviceWishes(root).extensions ?? []), name],
        }),
        [],
        [root.der],
      );
    };
    expect([named(true), named(false)]).toEqual(['accepted', MALFORMED]);
  });

  test('bytes behind the certificate, and unused bits in its signature', () => {
    const { der } = craftDevice({ name: 'A1', issuer: root });
    expect(decide(Buffer.concat([der, Buffer.from([0])]), [], [root.der])).toBe(MALFORMED);
    const [content, algorithm, signature] = children(der) as [Buffer, Buffer, Buffer];
    const bits = Buffer.from(readTlv(signature).content);
    bits[0] = 1;
    expect(decide(tlv(0x30, content, algorithm, tlv(0x03, bits)), [], [root.der])).toBe(MALFORMED);
  });
});

describe('T036 refuses an extension', () => {
  const own = (party: 'device' | 'issuer') =>
    (party === 'device' ? deviceWishes(root) : authorityWishes()).extensions ?? [];
  /** In place of the extension of the same kind, or behind all of them. */
  const having = (changed: Buffer): readonly string[] => {
    const kind = readTlv(readTlv(changed).content).whole;
    const put = (list: readonly Buffer[]) => [
      ...list.filter((each) => !readTlv(readTlv(each).content).whole.equals(kind)),
      changed,
    ];
    const leaf = craftDer({ ...deviceWishes(root), extensions: put(own('device')) });
    const ca = craftDer({ ...authorityWishes(), extensions: put(own('issuer')) });
    const below = craftDevice({ name: 'B1', issuer: { keys: keysOf('Wrong'), subject: authoritySubject() } });
    return [decide(leaf, [], [root.der]), decide(below.der, [ca], [root.der]), decide(below.der, [], [ca])];
  };
  const raw = (oid: string, ...parts: readonly Buffer[]) => tlv(0x30, tlv(0x06, Buffer.from(oid, 'hex')), ...parts);
  const octets = (hex: string) => tlv(0x04, Buffer.from(hex, 'hex'));

  test.each<[string, Buffer]>([
    ['whose critical is FALSE and written', raw('2a0304', Buffer.from('010100', 'hex'), octets('0500'))],
    ['whose critical is TRUE as 01', raw('2a0304', Buffer.from('010101', 'hex'), octets('0500'))],
    ['without a value', raw('2a0304')],
    ['with a fourth part', raw('2a0304', Buffer.from('0101ff', 'hex'), octets('0500'), octets('0500'))],
    ['whose object identifier does not end', raw('2a0384', octets('0500'))],
    ['whose object identifier begins an arc with 80', raw('2a038001', octets('0500'))],
    ['basicConstraints with cA FALSE written', extension('551d13', Buffer.from('3003010100', 'hex'), true)],
    ['basicConstraints with cA TRUE as 01', extension('551d13', Buffer.from('3003010101', 'hex'), true)],
    [
      'basicConstraints with a pathLen of two bytes where one does',
      extension('551d13', Buffer.from('30070101ff02020001', 'hex'), true),
    ],
    ['basicConstraints with a negative pathLen', extension('551d13', Buffer.from('30060101ff0201ff', 'hex'), true)],
    [
      'basicConstraints with a third member',
      extension('551d13', Buffer.from('30080101ff02010005 00'.replace(' ', ''), 'hex'), true),
    ],
    ['basicConstraints with something behind it', extension('551d13', Buffer.from('30030101ff0500', 'hex'), true)],
    ['keyUsage of no bits', extension('551d0f', Buffer.from('030100', 'hex'), true)],
    ['keyUsage of zero bits', extension('551d0f', Buffer.from('03020700', 'hex'), true)],
    ['keyUsage with zero bits at its end', extension('551d0f', Buffer.from('03020084', 'hex'), true)],
    ['keyUsage with a set bit among the unused', extension('551d0f', Buffer.from('03020385', 'hex'), true)],
    ['keyUsage with a tenth bit', extension('551d0f', Buffer.from('0303068440', 'hex'), true)],
    ['extKeyUsage that is empty', extension('551d25', Buffer.from('3000', 'hex'))],
    ['extKeyUsage that is no list', extension('551d25', Buffer.from('0500', 'hex'))],
    ['subjectAltName that is empty', extension('551d11', Buffer.from('3000', 'hex'))],
    ['subjectKeyIdentifier that is no OCTET STRING', extension('551d0e', Buffer.from('0500', 'hex'))],
    [
      'authorityKeyIdentifier with an issuer and no serial number',
      extension('551d23', Buffer.from('3006a1048202612e', 'hex')),
    ],
    [
      'authorityKeyIdentifier with an issuer that is no name',
      extension('551d23', Buffer.from('3006810100820101', 'hex')),
    ],
    ['authorityKeyIdentifier with two key identifiers', extension('551d23', Buffer.from('3006800101800102', 'hex'))],
    ['authorityKeyIdentifier that is no SEQUENCE', extension('551d23', Buffer.from('0500', 'hex'))],
  ])('%s', (_title, changed) => {
    for (const reason of having(changed)) expect([MALFORMED, 'unread', 'not-an-authority']).toContain(reason);
    expect(having(changed)[0]).toBe(MALFORMED);
  });

  test('but for an authorityKeyIdentifier of issuer and serial number, with the key or alone', () => {
    for (const hex of ['3009a10482026162820101', '300c800101a10482026162820101'])
      expect(having(extension('551d23', Buffer.from(hex, 'hex')))).toEqual(['accepted', 'accepted', 'accepted']);
  });

  test('that stands there twice', () => {
    for (const [first = Buffer.alloc(0)] of [own('device'), own('issuer')]) {
      const leaf = craftDer({ ...deviceWishes(root), extensions: [...own('device'), first] });
      expect(decide(leaf, [], [root.der])).toBe(MALFORMED);
    }
  });

  test.each<[string, string, boolean]>([
    ['a host', '820a61312e6578616d706c65', true],
    ['a host under a wildcard', '820c2a2e61312e6578616d706c65', true],
    ['a host with an underscore', '820a61315f6578616d706c65', false],
    ['a host with a dot in front', '82082e6578616d706c65', false],
    ['a host with NUL in it', '820a61312e650061 6d706c65'.replace(' ', ''), false],
    ['an empty host', '8200', false],
    ['an IPv4 address', '8704c0000201', true],
    ['an IPv6 address', `8710${'20'.repeat(16)}`, true],
    ['an address with a mask', '8708c0000200ffffff00', false],
    ['an e-mail address', '8107614062632e6465', true],
    ['an e-mail address with two at signs', '8108614062406 32e6465'.replace(' ', ''), false],
    ['a URI', '860475726e3a', false],
    ['a URI with something in it', '860575726e3a61', true],
    [
      'a directory name, as all genuine Trust&GO chips have',
      'a41f301d311b30190603550405131265756934385f303030303030303030303030',
      true,
    ],
    ['a directory name that is none', 'a4020500', false],
    ['a registered id', '88032a0304', true],
    ['another name', 'a00a06032a0304a0030c0161', true],
    ['another name without its value', 'a00506032a0304', false],
    ['a name of no kind', '890100', false],
  ])('T034 subjectAltName of %s (%s): %s', (_title, name, good) => {
    expect(having(extension('551d11', tlv(0x30, Buffer.from(name, 'hex'))))[0]).toBe(good ? 'accepted' : MALFORMED);
  });
});

describe('T037 an object identifier with an arc of 2^32 more', () => {
  const BASIC_AND_MORE = '551d9080808013';

  test('is another one: cA under it makes no authority', () => {
    const fake = extension(BASIC_AND_MORE, Buffer.from('30030101ff', 'hex'));
    const ca = craft({ name: 'Arc', issuer: root, extensions: [fake, ...keyIds(keysOf('Arc'), root.keys)] });
    expect(decide(craftDevice({ name: 'A1', issuer: ca }).der, [ca.der], [root.der])).toBe('not-an-authority');
  });

  test('is another one: critical, it is not known', () => {
    const extensions = [
      ...(deviceWishes(root).extensions ?? []),
      extension(BASIC_AND_MORE, Buffer.from('3000', 'hex'), true),
    ];
    const leaf = craft({ ...deviceWishes(root), extensions });
    const path = verifyPath({
      leaf: leaf.certificate,
      issuers: [],
      anchors: [root.certificate],
      usage: 'device',
      now: NOW,
    });
    expect(path).toMatchObject({ refusal: { reason: 'extension-unknown', oid: '2.5.29.4294967315' } });
  });
});

describe('T033 a key that spells out its curve', () => {
  const explicit = explicitP256();

  test('copies P-256, and is refused in a device, an issuer and an anchor', () => {
    for (const reason of reasonsOf({ spki: explicit }))
      expect(['key-unsupported', MALFORMED, 'unread']).toContain(reason);
    expect(reasonsOf({ spki: explicit })[0]).toBe('key-unsupported');
  });
});

describe('T038 depth', () => {
  test('ten thousand values inside one another are read in a moment, wherever they stand', () => {
    let nested = tlv(0x30);
    for (let depth = 0; depth < 3000; depth += 1) nested = tlv(0x30, nested);
    const start = performance.now();
    for (const changed of [
      deepIn('551d13', nested),
      deepIn('551d25', nested),
      deepIn('551d11', tlv(0x30, tlv(0xa4, nested))),
      deepIn('551d23', nested),
      deepIn('2a0304', nested),
    ]) {
      expect(['accepted', MALFORMED]).toContain(changed);
    }
    expect(performance.now() - start).toBeLessThan(1000);
  });

  function deepIn(oid: string, value: Buffer): string {
    const kept = (deviceWishes(root).extensions ?? []).filter((each) => !each.includes(Buffer.from(oid, 'hex')));
    return decide(craftDer({ ...deviceWishes(root), extensions: [...kept, extension(oid, value)] }), [], [root.der]);
  }
});

test('whatever byte of a chain is another one, it is never accepted, and nothing throws', () => {
  const ca = craft(authorityWishes());
  const leaf = craftDevice({ name: 'A1', issuer: ca });
  for (const [index, der] of [leaf.der, ca.der].entries()) {
    for (let at = 0; at < der.length; at += 1) {
      const changed = Buffer.from(der);
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
      const verdict = index === 0 ? decide(changed, [ca.der], [root.der]) : decide(leaf.der, [changed], [root.der]);
      expect([at, verdict]).not.toEqual([at, 'accepted']);
    }
  }
});

/** The key of A1 with the parameters of P-256 written out (X9.62), and twice its generator: CVE-2020-0601. */
function explicitP256(): Buffer {
  const number = (hex: string) => tlv(0x02, Buffer.from(hex, 'hex'));
  const p = 'ffffffff00000001000000000000000000000000ffffffffffffffffffffffff';
  const a = 'ffffffff00000001000000000000000000000000fffffffffffffffffffffffc';
  const b = '5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b';
  const n = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';
  const generator = `047cf27b188d034f7e8a52380304b51ac3c08969e277f21b35a60b48fc4766997807775510db8ed040293d9ac69f7430dbba7dade63ce982299e04b79d227873d1`;
  const fieldId = tlv(0x30, tlv(0x06, Buffer.from('2a8648ce3d0101', 'hex')), number(`00${p}`));
  const curve = tlv(0x30, tlv(0x04, Buffer.from(a, 'hex')), tlv(0x04, Buffer.from(b, 'hex')));
  const parameters = tlv(
    0x30,
    number('01'),
    fieldId,
    curve,
    tlv(0x04, Buffer.from(generator, 'hex')),
    number(`00${n}`),
    number('01'),
  );
  const point = keysOf('A1').publicKey.export({ format: 'der', type: 'spki' }).subarray(-65);
  const algorithm = tlv(0x30, tlv(0x06, Buffer.from('2a8648ce3d0201', 'hex')), parameters);
  return tlv(0x30, algorithm, tlv(0x03, Buffer.from([0]), point));
}
