// What becomes of a device whose manifest brings its key and no certificate? It waits for the certificate of that key.
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';

import { listDevices } from '../../../../functions/whitelist/list-devices/flow.ts';
import type { ChunkRequest } from '../../../../shared/ports.ts';
import { idClaimKey, keyClaimKey } from '../../../../shared/whitelist/listing.ts';
import { waitingKey } from '../../../../shared/whitelist/waiting.ts';
import { makeAuthority, makeDevice, makeSigner, type Party } from '../../../pki/certificates.ts';
import { arrayOf, makeChip } from '../../../pki/microchip-manifest.ts';
import { InjectedFault } from '../../../fakes/faults.ts';
import { faultPoints, plan } from '../../every-fault.ts';
import { agreeLot, entriesOf, gapsIn, kindsOf, makeScene, trust, type Scene } from '../../scene.ts';
import { dropAlone } from '../import-manifest/deliveries.ts';
import { disorder } from './disorder.ts';
import { askFor, countOf, importAll, listingsIn, reportIn, wordsOf } from './whole-import.ts';

const FIRST = '0123f2408ea1fcf201';
const SECOND = '0123f2408ea1fcf202';
const DEVICE = `acme-${FIRST}`;

let root: Party;
let signer: Party;

beforeAll(async () => {
  root = await makeAuthority('Acme Chip Root');
  signer = await makeSigner('Acme Chip Signer');
});

describe('a chip without a certificate', () => {
  test('waits with its key and its entry; it is no listing, takes no room, and the broker learns nothing of it', async () => {
    const scene = await chipScene();
    expect(await deliver(scene, await bare(FIRST))).toEqual(['waiting']);
    const { keyFingerprint } = (await leafOf(FIRST)).certificate;
    expect(
      await scene.registry.read([waitingKey(DEVICE), keyClaimKey(keyFingerprint), idClaimKey(DEVICE)]),
    ).toMatchObject([
      { version: 1, device: DEVICE, keyFingerprint, lot: 'chips', provenance: { line: 1 } },
      { version: 1, device: DEVICE },
      { version: 1 },
    ]);
    expect(kindsOf(scene, `waiting/${DEVICE}`)).toEqual(['waiting']);
    expect(listingsIn(scene)).toEqual([]);
    expect(await countOf(scene, 'chips')).toBeUndefined();
    expect(scene.alignments.calls).toEqual([]);
    expect(reportIn(scene, REPORT).head).toMatchObject({ results: { waiting: 1, accepted: 0 } });
  });

  test('waits on when it is delivered again, without a second entry', async () => {
    const scene = await chipScene();
    await deliver(scene, await bare(FIRST));
    const before = scene.registry.rows('whitelist').filter(({ pk }) => pk.startsWith('waiting#'));
    expect(await deliver(scene, await bare(FIRST), await bare(FIRST))).toEqual(['waiting', 'waiting']);
    expect(scene.registry.rows('whitelist').filter(({ pk }) => pk.startsWith('waiting#'))).toEqual(before);
    expect(kindsOf(scene, `waiting/${DEVICE}`)).toEqual(['waiting']);
  });

  test('is listed when a manifest brings the certificate of its key', async () => {
    const scene = await chipScene();
    await deliver(scene, await bare(FIRST));
    expect(await deliver(scene, await certified(FIRST))).toEqual(['accepted']);
    expect(listingsIn(scene)).toMatchObject([{ row: { device: DEVICE, path: 'registered' } }]);
    expect(await countOf(scene, 'chips')).toBe(1);
    // Its id was reserved all the time, and now says for what.
    const [{ pk: fingerprint } = { pk: '' }] = listingsIn(scene);
    expect(await scene.registry.read([idClaimKey(DEVICE)])).toEqual([{ version: 2, fingerprint }]);
    // What is listed needs to wait no more.
    expect(await deliver(scene, await bare(FIRST))).toEqual(['unchanged']);
    expect(gapsIn(scene)).toEqual([]);
  });

  test('and its certificate may stand in one file, in either order', async () => {
    for (const [elements, words] of [
      [
        [await bare(FIRST), await certified(FIRST)],
        ['waiting', 'accepted'],
      ],
      [
        [await certified(FIRST), await bare(FIRST)],
        ['accepted', 'unchanged'],
      ],
    ] as const) {
      const scene = await chipScene();
      expect(await deliver(scene, ...elements)).toEqual(words);
      expect(listingsIn(scene)).toHaveLength(1);
    }
  });
});

test('T013 a chip without a certificate that stands outside the range of its lot is refused, and nothing is reserved', async () => {
  const scene = await chipScene();
  agreeLot(scene, { lot: 'chips', serials: { first: FIRST, last: FIRST } });
  expect(await deliver(scene, await bare(SECOND), await bare(FIRST))).toEqual(['serial-out-of-range', 'waiting']);
  expect(scene.registry.rows('whitelist').filter(({ pk }) => pk.includes(SECOND))).toEqual([]);
});

describe('two imports at once of one id with two keys:', () => {
  test.each<[name: string, elements: () => Promise<readonly [string, string]>]>([
    ['both wait', async () => [await bare(FIRST), await bare(FIRST, SECOND)]],
    ['one waits, one is certified', async () => [await bare(FIRST), await certified(FIRST, 'another key')]],
    ['both are certified', async () => [await certified(FIRST), await certified(FIRST, 'another key')]],
  ])('T011 exactly one wins, whichever call comes first, when %s', async (_name, elements) => {
    const both = await elements();
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const scene = await chipScene();
        const names = ['chips.json', 'chips2.json'];
        agreeLot(scene, { lot: 'chips2' });
        const requests: ChunkRequest[] = [];
        for (const [index, element] of both.entries()) {
          const delivery = dropAlone(scene, arrayOf(element), `manifests/acme/${names[index] ?? ''}`);
          requests.push(...(await askFor(scene, delivery)));
        }
        const world = disorder(scene, scheduler);
        await scheduler.waitFor(Promise.all(requests.map((request) => listDevices(request, world))));
        const words = names.flatMap((name) => wordsOf(reportIn(scene, `manifests/acme/${name}.report`).lines));
        expect(words.filter((word) => word === 'id-taken')).toHaveLength(1);
        const reserved = (prefix: string) => scene.registry.rows('whitelist').filter(({ pk }) => pk.startsWith(prefix));
        expect([reserved('id#'), reserved('key#')].map(({ length }) => length)).toEqual([1, 1]);
        expect(reserved('waiting#').length + listingsIn(scene).length).toBe(1);
        expect(gapsIn(scene)).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });
});

describe('the first value stays:', () => {
  test.each<[name: string, reason: string, elements: () => Promise<readonly [string, string]>]>([
    ['T011 another key for a chip that waits', 'id-taken', async () => [await bare(FIRST), await bare(FIRST, SECOND)]],
    [
      'T011 a certificate of another key for a chip that waits',
      'id-taken',
      async () => [await bare(FIRST), await certified(FIRST, 'another key')],
    ],
    [
      'T011 another key for a chip that is listed',
      'id-taken',
      async () => [await certified(FIRST), await bare(FIRST, SECOND)],
    ],
    ['T012 the key of a chip that waits', 'key-taken', async () => [await bare(FIRST), await bare(SECOND, FIRST)]],
    [
      'T012 the key of a chip that is listed',
      'key-taken',
      async () => [await certified(FIRST), await bare(SECOND, FIRST)],
    ],
  ])('%s is refused (%s), in one file and in a later one', async (_name, reason, elements) => {
    const [first, second] = await elements();
    const together = await chipScene();
    expect((await deliver(together, first, second))[1]).toBe(reason);
    const apart = await chipScene();
    await deliver(apart, first);
    const before = rowsOf(apart);
    expect(await deliver(apart, second)).toEqual([reason]);
    expect(rowsOf(apart)).toEqual(before);
  });
});

test('T021 a listing that fails at any call ends with one row and one entry for each after a rerun', async () => {
  // Signatures are drawn: the same file for every run.
  const manifest = arrayOf(await bare(FIRST), await certified(FIRST), await bare(SECOND));
  const make = async () => {
    const scene = await chipScene();
    const [request] = await askFor(scene, dropAlone(scene, manifest, KEY));
    if (request === undefined) throw new Error('expected a chunk');
    return { scene, run: () => listDevices(request, scene) };
  };
  const fakesOf = ({ registry, alignments }: Scene) => ({ registry, alignments });
  const model = await make();
  for (const point of await faultPoints(fakesOf(model.scene), model.run)) {
    const { scene, run } = await make();
    plan(fakesOf(scene), point);
    await expect(run(), JSON.stringify(point)).rejects.toThrow(InjectedFault);
    await run();
    expect(rowsOf(scene), JSON.stringify(point)).toEqual(rowsOf(model.scene));
    expect(entriesOf(scene).filter(({ leaf }) => leaf.kind === 'waiting')).toHaveLength(2);
    expect(scene.manifests.text(REPORT)).toBe(model.scene.manifests.text(REPORT));
  }
});

test('a malformed waiting row is a fault, never a device that does not wait', async () => {
  const scene = await chipScene();
  scene.registry.seed(waitingKey(DEVICE), { version: 1 });
  await expect(deliver(scene, await certified(FIRST))).rejects.toMatchObject({ code: 'row-malformed' });
  expect(listingsIn(scene)).toEqual([]);
});

const KEY = 'manifests/acme/chips.json';
const REPORT = `${KEY}.report`;

async function chipScene(): Promise<Scene> {
  const scene = await makeScene();
  agreeLot(scene, { lot: 'chips' });
  trust(scene, root, 'root');
  trust(scene, signer, 'signer');
  return scene;
}

async function deliver(scene: Scene, ...elements: readonly string[]): Promise<readonly string[]> {
  await importAll(scene, dropAlone(scene, arrayOf(...elements), KEY));
  return wordsOf(reportIn(scene, REPORT).lines);
}

function rowsOf({ registry }: Scene) {
  return registry.rows('whitelist').filter(({ pk }) => !pk.startsWith('import#'));
}

function leafOf(id: string, key = id): Promise<Party> {
  return makeDevice(root, `sn${id.toUpperCase()}`, { key });
}

/** The element of a chip that holds the key of another, unless told its own. */
async function bare(id: string, keyOf = id): Promise<string> {
  return makeChip(id, signer, { key: await leafOf(id, keyOf) });
}

async function certified(id: string, keyOf = id): Promise<string> {
  const key = await leafOf(id, keyOf);
  return makeChip(id, signer, { key, x5c: [key] });
}
