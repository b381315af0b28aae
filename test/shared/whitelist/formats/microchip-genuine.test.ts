// Does the genuine Trust&GO manifest verify with its genuine signer, and no single bit of it another way?
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import type { Anchor } from '../../../../shared/identity/anchor.ts';
import { parsePemCertificate } from '../../../../shared/identity/certificate.ts';
import { findPath } from '../../../../shared/whitelist/formats/chain.ts';
import { microchip } from '../../../../shared/whitelist/formats/microchip.ts';
import { contextOf, CORPORA, HAVE_CORPORA, NOW, readAll, resultOf, resultsOf } from './reading.ts';

const FOLDER = join(CORPORA, 'manifests-microchip');
const MANIFEST = HAVE_CORPORA ? readFileSync(join(FOLDER, 'ECC608C-TNGTLSU-B.json')) : Buffer.alloc(0);
const MAKER = { manufacturer: 'microchip', now: NOW };
const ALL = Array.from({ length: 10 }, () => 'accepted');

/** Skipped where ../shared/corpora is missing: the sample is Microchip's and is not copied into the project. */
describe.skipIf(!HAVE_CORPORA)('the genuine manifest of ten chips', () => {
  const signer = (number: number) =>
    anchorsOf('signers', 'signer').filter(({ file }) => file.includes(`signer_${number}_`));
  const context = () => contextOf('microchip', signer(5));

  test('T001 T005 is accepted as a whole by its signer, who never expires', async () => {
    expect(signer(5).map(({ certificate }) => certificate.notAfter)).toEqual(['9999-12-31T23:59:59.000Z']);
    expect(await resultsOf(microchip, MANIFEST, context())).toEqual(ALL);
  });

  test('T003 is refused by each of the older signers', async () => {
    for (const number of [1, 2, 3, 4]) {
      const results = await resultsOf(microchip, MANIFEST, contextOf('microchip', signer(number)));
      expect(new Set(results)).toEqual(new Set(['signer-unknown']));
    }
  });

  test('ends in root 002 and not in root 001', async () => {
    const roots = anchorsOf('roots', 'root');
    const [first = [], second = []] = ['Root_CA_001', 'Root_CA_002'].map((name) =>
      roots.filter(({ file }) => file.includes(name)),
    );
    for (const { entry } of await readAll(microchip, MANIFEST, context())) {
      const { certificate, chain } = entry.outcome === 'done' ? entry.value : {};
      if (certificate === undefined || chain === undefined) throw new Error('expected a certificate');
      const under = (anchors: readonly Anchor[]) => findPath({ certificate, chain }, { anchors, ...MAKER });
      expect([under(second).outcome, under(first).outcome]).toEqual(['done', 'refused']);
    }
  });

  test('T002 refuses an entry with one byte changed, at every 7th position, and accepts the others', async () => {
    const elements = JSON.parse(MANIFEST.toString()) as Record<'protected' | 'payload' | 'signature', string>[];
    const [first, ...others] = elements;
    if (first === undefined) throw new Error('expected elements');
    for (const member of ['protected', 'payload', 'signature'] as const) {
      for (let at = 0; at < first[member].length; at += 7) {
        const changed = `${first[member].slice(0, at)}${String.fromCharCode(first[member].charCodeAt(at) ^ 1)}`;
        const touched = { ...first, [member]: changed + first[member].slice(at + 1) };
        const results = await resultsOf(microchip, JSON.stringify([touched, others[0]]), context());
        expect([member, at, results[0] === 'accepted', results[1]]).toEqual([member, at, false, 'accepted']);
      }
    }
  });

  test.each([0, 4, 9])('refuses entry %i after any bit is flipped, wherever it stands', async (index) => {
    const element = JSON.stringify((JSON.parse(MANIFEST.toString()) as object[])[index], null, 2);
    // A prime stride meets every member, and all eight bits of a byte.
    for (let bit = index; bit < element.length * 8; bit += 37) {
      const bytes = Buffer.from(`[${element}]`);
      bytes[1 + (bit >> 3)] = (bytes[1 + (bit >> 3)] ?? 0) ^ (1 << (bit & 7));
      const results = (await readAll(microchip, bytes, context())).map(resultOf);
      expect([bit, results.includes('accepted')]).toEqual([bit, false]);
    }
  });

  test('all ten certificates have the same subject alternative name: it is no identity', async () => {
    const entries = await readAll(microchip, MANIFEST, context());
    const names = entries.map(({ entry }) => entry.outcome === 'done' && entry.value.certificate?.x509.subjectAltName);
    expect(new Set(names).size).toBe(1);
    const serials = entries.map(({ entry }) => entry.outcome === 'done' && entry.value.serial);
    expect(new Set(serials).size).toBe(10);
  });
});

function anchorsOf(folder: string, purpose: Anchor['purpose']): readonly (Anchor & { readonly file: string })[] {
  const place = join(FOLDER, folder);
  return (existsSync(place) ? readdirSync(place) : []).map((file) => {
    const certificate = parsePemCertificate(readFileSync(join(place, file), 'utf8'));
    if (certificate.outcome === 'refused') throw new Error(`cannot read "${file}"`);
    return { version: 1, purpose, manufacturer: 'microchip', certificate: certificate.value, file };
  });
}
