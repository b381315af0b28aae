// Has every chip of an Infineon bundle its three certificates, and is its identity the one of slot E0E0?
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeAll, describe, expect, test } from 'vitest';

import { infineon } from '../../../../shared/whitelist/formats/infineon.ts';
import { TAR_END, tarMember } from '../../../../shared/whitelist/formats/tar.ts';
import { makeAuthority, makeDevice, type Party } from '../../../pki/certificates.ts';
import { collect, contextOf, CORPORA, HAVE_CORPORA, problemOf, readAll, resultsOf } from './reading.ts';

const [CHIP, OTHER] = ['0A091B5C001500070063', '0A091B5C0015000C0069'];
const SLOTS = ['E0E0', 'E0E1', 'E0E2'];
const context = contextOf('infineon');

let parties: readonly Party[];

beforeAll(async () => {
  const authority = await makeAuthority();
  parties = await Promise.all(SLOTS.map((slot) => makeDevice(authority, `a hash ${slot}`)));
});

const file = (name: string, text: string) => tarMember({ name, bytes: Buffer.from(text) });
const slotFile = (slot: string, chip = CHIP) => {
  return file(`${slot}/${chip}_${slot}.pem`, parties[SLOTS.indexOf(slot)]?.pem ?? '');
};
const bundle = (...files: Uint8Array[]) => Buffer.concat([...files, TAR_END]);
const folders = (...chips: string[]) => SLOTS.flatMap((slot) => chips.map((chip) => slotFile(slot, chip)));

test('reads a chip: its id from the file name, its identity from slot E0E0', async () => {
  const [read] = await readAll(infineon, bundle(...folders(CHIP)), context);
  const fingerprint = parties[0]?.certificate.fingerprint;
  expect(read).toMatchObject({
    line: 1,
    entry: { outcome: 'done', value: { serial: CHIP, certificate: { fingerprint }, chain: [] } },
  });
});

test('reads the slots in any order, and counts chips by their first file', async () => {
  const files = [slotFile('E0E2'), slotFile('E0E0', OTHER), slotFile('E0E1'), slotFile('E0E2', OTHER)];
  const read = await readAll(infineon, bundle(...files, slotFile('E0E1', OTHER), slotFile('E0E0')), context);
  expect(read.map(({ line, entry }) => [line, entry.outcome === 'done' && entry.value.serial])).toEqual([
    [2, OTHER],
    [1, CHIP],
  ]);
});

test('lets the README lie', async () => {
  expect(await resultsOf(infineon, bundle(file('README.txt', 'Dear User'), ...folders(CHIP)), context)).toEqual([
    'accepted',
  ]);
});

test.each(SLOTS)('a chip without slot %s is refused, and the other chips stand', async (missing) => {
  const files = SLOTS.flatMap((slot) => [...(slot === missing ? [] : [slotFile(slot)]), slotFile(slot, OTHER)]);
  const read = await readAll(infineon, bundle(...files), context);
  expect(read.map(({ entry }) => (entry.outcome === 'done' ? entry.value.serial : entry.refusal))).toEqual([
    OTHER,
    { reason: 'bundle-incomplete', chip: CHIP, missing },
  ]);
});

test.each(SLOTS)('a chip whose slot %s holds no certificate is refused', async (broken) => {
  const files = SLOTS.map((slot) => (slot === broken ? file(`${slot}/${CHIP}_${slot}.pem`, 'none') : slotFile(slot)));
  expect(await resultsOf(infineon, bundle(...files), context)).toEqual(['certificate-malformed']);
});

test.each([
  `E0E0/${CHIP}_E0E1.pem`,
  `E0E3/${CHIP}_E0E3.pem`,
  `E0E0/${CHIP.toLowerCase()}_E0E0.pem`,
  `E0E0/${CHIP}0_E0E0.pem`,
  'E0E0/README.txt',
  `${CHIP}_E0E0.pem`,
  `E0E0/E0E0/${CHIP}_E0E0.pem`,
])('refuses the file %s, and reads on', async (name) => {
  const read = await readAll(infineon, bundle(file(name, 'x'), ...folders(CHIP)), context);
  expect(read.map(problemOf)).toEqual([`unknown file "${name}"`, '']);
});

test('T019 refuses two files of one name: readers differ in which they see', async () => {
  const results = await resultsOf(infineon, bundle(...folders(CHIP), slotFile('E0E0'), ...folders(OTHER)), context);
  expect(results).toEqual(['accepted', 'archive-unsafe']);
});

test('T019 refuses a name that leaves the archive', async () => {
  expect(await resultsOf(infineon, bundle(file(`../E0E0/${CHIP}_E0E0.pem`, 'x')), context)).toEqual(['archive-unsafe']);
});

test('T019 takes 100,000 chips and no more', async () => {
  async function* many() {
    for (let chip = 0; chip <= 100_000; chip += 1) {
      yield await Promise.resolve(file(`E0E1/${String(chip).padStart(20, '0')}_E0E1.pem`, 'none'));
    }
    yield TAR_END;
  }
  const read = await collect(infineon.read(many(), context));
  expect(read.map(problemOf)).toEqual(['more than 100000 chips']);
});

/** Skipped where ../shared/corpora is missing. */
describe.skipIf(!HAVE_CORPORA)('the genuine bundle', () => {
  test('has five chips', async () => {
    const place = join(CORPORA, 'manifests-other/infineon-sample');
    const files = SLOTS.flatMap((slot) => readdirSync(join(place, slot)).map((name) => `${slot}/${name}`));
    const members = files.map((name) => tarMember({ name, bytes: readFileSync(join(place, name)) }));
    const read = await readAll(infineon, bundle(...members), context);
    expect(read.map(({ entry }) => entry.outcome === 'done' && entry.value.serial)).toEqual([
      '0A091B5C001500070063',
      '0A091B5C0015000C0069',
      '0A091B5C001500110067',
      '0A091B5C00150014006C',
      '0A091B5C001500150056',
    ]);
  });
});
