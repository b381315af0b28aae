// Is everything that our validator accepts accepted by OpenSSL too? Chains of our own, each changed a little and signed
// again by its rightful issuer, so that only the structure and the rules can tell the difference.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { parseCertificate, toPem } from '../../shared/identity/certificate.ts';
import { readBody } from '../../shared/identity/certificate-body.ts';
import { verifyPath, type Usage } from '../../shared/identity/path.ts';
import {
  basic,
  craftAuthority,
  craftDevice,
  extension,
  signatureOf,
  type Crafted,
  type KeyKind,
} from '../pki/crafted.ts';
import { children, readTlv, tlv } from '../pki/der.ts';
import { openssl, present } from './openssl.ts';

const SEED = Number(process.env['WARDKEY_SEED'] ?? 20_261_124);
const NOW = '2026-11-24T12:00:00Z';
const CHANGES = 120;

/** What each of the two is asked. OpenSSL's strict reading is the one of RFC 5280, as `any` is ours. */
const QUESTIONS = [
  { usage: 'device', words: ['-purpose', 'sslclient'] },
  { usage: 'any', words: ['-x509_strict'] },
] as const satisfies readonly { readonly usage: Usage; readonly words: readonly string[] }[];

describe.skipIf(!present)('openssl verify', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'wardkey-path-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  /** Whether OpenSSL finds a path, and in which words it does not. */
  function ask(chain: readonly Buffer[], words: readonly string[]) {
    const names = chain.map((der, index) => {
      writeFileSync(join(folder, `${index}.pem`), toPem(der.toString('base64')));
      return `${index}.pem`;
    });
    const between = names.slice(1, -1).flatMap((name) => ['-untrusted', name]);
    // An anchor of ours may have been issued by somebody whom nobody here knows.
    const trust = ['-partial_chain', '-no-CApath', '-no-CAstore', '-CAfile', names.at(-1) ?? ''];
    const time = ['-attime', String(Date.parse(NOW) / 1000)];
    return openssl(folder, 'verify', ...trust, ...time, ...words, ...between, '0.pem');
  }

  test.each<[KeyKind, number]>(
    (['P-256', 'P-384', 'RSA'] as const).flatMap((kind) =>
      [0, 1, 2].map((between): [KeyKind, number] => [kind, between]),
    ),
  )(
    'T025 %s, %i issuers between: both accept the chain, and OpenSSL each change of it that we accept',
    (kind, between) => {
      const chain = chainOf(kind, between);
      for (const { usage, words } of QUESTIONS)
        expect([
          usage,
          accepts(
            chain.map(({ der }) => der),
            usage,
          ),
          ask(
            chain.map(({ der }) => der),
            words,
          ).ok,
        ]).toEqual([usage, true, true]);
      const random = randomOf(SEED + between + kind.length);
      const disagreed: string[] = [];
      let accepted = 0;
      for (let turn = 0; turn < CHANGES; turn += 1) {
        const { changed, what } = changeOne(chain, random);
        for (const { usage, words } of QUESTIONS) {
          if (!accepts(changed, usage) || differsInHint(changed)) continue;
          accepted += 1;
          const { ok, text } = ask(changed, words);
          if (!ok) disagreed.push(`seed ${SEED}, turn ${turn}, ${usage}: ${text.trim()}; ${what}`);
        }
      }
      expect(disagreed).toEqual([]);
      // A test of changes that are all refused would compare nothing.
      expect(accepted).toBeGreaterThan(15);
    },
  );
});

/** Leaf first, anchor last. */
function chainOf(kind: KeyKind, between: number): readonly Crafted[] {
  let issuer = craftAuthority({ name: `${kind} root`, kind });
  const chain = [issuer];
  for (let level = 0; level < between; level += 1) {
    issuer = craftAuthority({ name: `${kind} ${level}`, kind, issuer, pathLength: 2 });
    chain.unshift(issuer);
  }
  return [craftDevice({ name: 'A1', kind, issuer }), ...chain];
}

function accepts(chain: readonly Buffer[], usage: Usage): boolean {
  const parsed = chain.map(parseCertificate).flatMap((each) => (each.outcome === 'done' ? [each.value] : []));
  const [leaf, ...issuers] = parsed;
  const anchor = issuers.pop();
  if (parsed.length < chain.length || leaf === undefined || anchor === undefined) return false;
  return verifyPath({ leaf, issuers, anchors: [anchor], usage, now: NOW }).outcome === 'done';
}

/** To us a key identifier is a hint; OpenSSL refuses the issuer that it does not name. */
function differsInHint(chain: readonly Buffer[]): boolean {
  const hints = chain.map((der) => {
    const certificate = parseCertificate(der);
    const body = certificate.outcome === 'done' ? readBody(certificate.value) : certificate;
    return body.outcome === 'done' ? body.value.extensions : undefined;
  });
  return hints.some((own, index) => {
    const issuer = hints[index + 1] ?? own;
    return own?.issuerKeyId !== undefined && issuer?.keyId !== undefined && own.issuerKeyId !== issuer.keyId;
  });
}

type Random = (below: number) => number;

/** One certificate of the chain, changed and signed again by its issuer's key. */
function changeOne(chain: readonly Crafted[], random: Random) {
  const place = random(chain.length);
  const subject = elementOf(chain, place);
  const issuer = chain[place + 1] ?? subject;
  const [content, algorithm] = children(subject.der) as [Buffer, Buffer];
  const [what, change] = elementOf(CHANGE_KINDS, random(CHANGE_KINDS.length));
  const changed = change(content, random);
  const der = tlv(0x30, changed, algorithm, signatureOf(changed, issuer.keys.privateKey));
  return {
    changed: chain.map((each, index) => (index === place ? der : each.der)),
    what: `${what} in certificate ${place}: ${der.toString('hex')}`,
  };
}

type Change = (content: Buffer, random: Random) => Buffer;

const CHANGE_KINDS: readonly (readonly [string, Change])[] = [
  ['a bit of any byte', flipBit],
  [
    'a bit of the extensions',
    (content, random) =>
      changeExtensions(content, (list) =>
        list.map((each, index) => (index === 0 ? each : random(3) === 0 ? flipBit(each, random) : each)),
      ),
  ],
  ['a byte of any value', (content, random) => setByte(content, random)],
  [
    'an extension left out',
    (content, random) => changeExtensions(content, (list) => list.toSpliced(random(list.length), 1)),
  ],
  [
    'an extension twice',
    (content, random) => changeExtensions(content, (list) => [...list, elementOf(list, random(list.length))]),
  ],
  [
    'extensions in another order',
    (content, random) => changeExtensions(content, (list) => list.toSorted(() => random(3) - 1)),
  ],
  [
    'another basicConstraints',
    (content, random) =>
      changeExtensions(content, (list) => [
        basic(random(2) === 0, random(3) === 0 ? undefined : random(3), random(2) === 0),
        ...list.slice(1),
      ]),
  ],
  [
    'a mark critical more or less',
    (content, random) =>
      changeExtensions(content, (list) => list.map((each) => (random(2) === 0 ? toggleMark(each) : each))),
  ],
  [
    'an extension more',
    (content, random) => changeExtensions(content, (list) => [...list, elementOf(EXTRAS, random(EXTRAS.length))]),
  ],
  [
    'two fields in each other’s place',
    (content, random) => changeFields(content, (fields) => swap(fields, random(fields.length), random(fields.length))),
  ],
  [
    'a field left out',
    (content, random) => changeFields(content, (fields) => fields.toSpliced(random(fields.length), 1)),
  ],
  [
    'another time',
    (content, random) =>
      changeFields(content, (fields) => fields.map((field, index) => (index === 4 ? validity(random) : field))),
  ],
  [
    'another serial number',
    (content, random) =>
      changeFields(content, (fields) =>
        fields.map((field, index) =>
          index === 1 ? tlv(0x02, Buffer.from(Array.from({ length: random(24) }, () => random(256)))) : field,
        ),
      ),
  ],
];

function flipBit(bytes: Buffer, random: Random): Buffer {
  const changed = Buffer.from(bytes);
  const at = random(changed.length);
  changed[at] = (changed[at] ?? 0) ^ (1 << random(8));
  return changed;
}

function setByte(bytes: Buffer, random: Random): Buffer {
  const changed = Buffer.from(bytes);
  changed[random(changed.length)] = [0, 1, 0x7f, 0x80, 0xff][random(5)] ?? 0;
  return changed;
}

function changeFields(content: Buffer, change: (fields: readonly Buffer[]) => readonly Buffer[]): Buffer {
  return tlv(0x30, ...change(children(content)));
}

/** The last field of a certificate is its list of extensions. */
function changeExtensions(content: Buffer, change: (list: readonly Buffer[]) => readonly Buffer[]): Buffer {
  return changeFields(content, (fields) => {
    const list = children(readTlv(elementOf(fields, fields.length - 1)).content);
    return [...fields.slice(0, -1), tlv(0xa3, tlv(0x30, ...change(list)))];
  });
}

function toggleMark(bytes: Buffer): Buffer {
  const parts = children(bytes);
  const [oid, value] = [parts[0], parts.at(-1)] as [Buffer, Buffer];
  return tlv(0x30, oid, ...(parts.length === 3 ? [] : [Buffer.from('0101ff', 'hex')]), value);
}

function swap(fields: readonly Buffer[], one: number, other: number): readonly Buffer[] {
  const places = fields.map((_field, index) => (index === one ? other : index === other ? one : index));
  return places.map((place) => elementOf(fields, place));
}

function elementOf<T>(list: readonly T[], index: number): T {
  const element = list[index];
  if (element === undefined) throw new Error(`expected an element ${index}`);
  return element;
}

function validity(random: Random): Buffer {
  const time = () => {
    const year = 2000 + random(90);
    const rest = `${String(1 + random(12)).padStart(2, '0')}${String(1 + random(31)).padStart(2, '0')}${String(random(25)).padStart(2, '0')}0000Z`;
    return random(2) === 0
      ? tlv(0x17, Buffer.from(`${String(year % 100).padStart(2, '0')}${rest}`))
      : tlv(0x18, Buffer.from(`${year}${rest}`));
  };
  return tlv(0x30, time(), time());
}

const EXTRAS = [
  extension('551d11', tlv(0x30, tlv(0x82, Buffer.from('a.example')))),
  extension('551d11', tlv(0x30, tlv(0x82, Buffer.from('a.example'))), true),
  extension('551d20', tlv(0x30, tlv(0x30, tlv(0x06, Buffer.from('2a0304', 'hex'))))),
  extension('551d1e', tlv(0x30, tlv(0xa0, tlv(0x30, tlv(0x82, Buffer.from('example'))))), true),
  extension('2a0304', tlv(0x05)),
  extension('2a0304', tlv(0x05), true),
];

/** Mulberry32: the same seed gives the same changes. */
function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
