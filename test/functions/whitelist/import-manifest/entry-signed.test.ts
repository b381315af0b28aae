// Is a Microchip manifest, whose elements are signed one by one, imported as far as each of them can be believed?
import { beforeAll, describe, expect, test } from 'vitest';

import { importManifest } from '../../../../functions/whitelist/import-manifest/flow.ts';
import { makeAuthority, makeDevice, makeSigner, type Party } from '../../../pki/certificates.ts';
import { makeIntermediate } from '../../../pki/intermediate.ts';
import { arrayOf, makeChip, PROVISIONED } from '../../../pki/microchip-manifest.ts';
import { agreeLot, entriesOf, makeScene, trust, type Scene } from '../../scene.ts';
import { chunksOf, resultsOf } from './chunk-lines.ts';
import { drop, dropAlone, manifestOf } from './deliveries.ts';

const KEY = 'manifests/mchp/0301-9912.json';
const IDS = ['0123f2408ea1fcf201', '0123f2408ea1fcf202', '0123f2408ea1fcf203'] as const;

let root: Party;
let issuer: Party;
let chipSigner: Party;
let stranger: Party;

beforeAll(async () => {
  root = await makeAuthority('Microchip-like Root');
  issuer = await makeIntermediate(root, 'Microchip-like Signer 2701');
  chipSigner = await makeSigner('Manifest Signer 005');
  stranger = await makeSigner('Manifest Signer 006');
});

describe('a manifest without a signature of its own', () => {
  test('is verified element by element: each signer and time stands in its own listing', async () => {
    const scene = await chipScene();
    const second = await makeSigner('Manifest Signer 007');
    trust(scene, second, 'signer', 'mchp');
    const provisioned = '2026-07-01T00:00:00.000Z';
    const elements = [await chip(IDS[0]), await chip(IDS[1], { signer: second, provisioned })];
    const answer = await importManifest(dropAlone(scene, arrayOf(...elements), KEY), scene);
    expect(answer).toMatchObject({
      outcome: 'done',
      value: { format: 'microchip', lot: '0301-9912', product: 'sensor', signer: 'each-entry', chunks: 1 },
    });
    const signed = (await chunksOf(scene)).map(({ verdict }) => 'listing' in verdict && verdict.listing.provenance);
    expect(signed).toMatchObject([
      { line: 1, signer: chipSigner.certificate.fingerprint, signedAt: PROVISIONED },
      { line: 2, signer: second.certificate.fingerprint, signedAt: provisioned },
    ]);
  });

  test('of chips under a root is listed with its certificates, on the path "registered", under the lot of its name', async () => {
    const scene = await chipScene();
    await importManifest(dropAlone(scene, arrayOf(await chip(IDS[0])), KEY), scene);
    const [line] = await chunksOf(scene);
    const leaf = await leafOf(IDS[0]);
    expect(line?.verdict).toMatchObject({
      listing: {
        device: `mchp-${IDS[0]}`,
        serial: IDS[0],
        lot: '0301-9912',
        product: 'sensor',
        path: 'registered',
        certificate: leaf.der.toString('base64'),
        fingerprint: leaf.certificate.fingerprint,
        issuer: root.certificate.fingerprint,
      },
    });
  });

  test('takes each element for itself: what is wrong with one does not hold up the others', async () => {
    const scene = await chipScene();
    const elements = [
      await chip(IDS[0]),
      await chip(IDS[1], { signer: stranger }),
      (await chip(IDS[2])).replace('"signature": "', '"signature": "AAAA'),
      await chip('0123f2408ea1fcf204', { bare: true }),
      await chip('0123f2408ea1fcf205'),
    ];
    await importManifest(dropAlone(scene, arrayOf(...elements), KEY), scene);
    expect(await resultsOf(scene)).toEqual(['listing', 'signer-unknown', 'signature-malformed', 'waiting', 'listing']);
  });

  test('whose chips stand under no root of their maker lists none of them', async () => {
    const scene = await makeScene();
    agreeLot(scene, { manufacturer: 'mchp', lot: '0301-9912', product: 'sensor' });
    trust(scene, chipSigner, 'signer', 'mchp');
    trust(scene, root, 'root', 'acme');
    await importManifest(dropAlone(scene, arrayOf(await chip(IDS[0])), KEY), scene);
    expect(await resultsOf(scene)).toEqual(['issuer-unknown']);
  });

  test('T014 of a lot that was not agreed is refused as a whole (lot-unknown)', async () => {
    const scene = await chipScene();
    const delivery = dropAlone(scene, arrayOf(await chip(IDS[0])), 'manifests/mchp/0301-9913.json');
    expect(await importManifest(delivery, scene)).toMatchObject({
      outcome: 'refused',
      refusal: { reason: 'lot-unknown', manufacturer: 'mchp', lot: '0301-9913' },
    });
    expect(scene.chunks.calls).toEqual([]);
    expect(entriesOf(scene)).toMatchObject([{ leaf: { kind: 'manifest-refused' }, detail: { reason: 'lot-unknown' } }]);
  });

  test('is read in the version that arrived, also when it was replaced since', async () => {
    const scene = await chipScene();
    const delivery = dropAlone(scene, arrayOf(await chip(IDS[0])), KEY);
    dropAlone(scene, arrayOf(await chip(IDS[1]), await chip(IDS[2])), KEY);
    await importManifest(delivery, scene);
    const serials = (await chunksOf(scene)).map(({ verdict }) => 'listing' in verdict && verdict.listing.serial);
    expect(serials).toEqual([IDS[0]]);
  });

  test.each([
    ['that is no array', 'not json'],
    ['that is cut off', '[{"payload":'],
  ])('%s lists nothing and says so in its one line', async (_name, text) => {
    const scene = await chipScene();
    await importManifest(dropAlone(scene, text, KEY), scene);
    expect(await resultsOf(scene)).toEqual(['manifest-malformed']);
  });

  test('never speaks for a format that is signed as a whole: an unsigned one is not even read', async () => {
    const scene = await chipScene();
    const delivery = await drop(scene, manifestOf([]), { signer: stranger });
    expect(await importManifest(delivery, scene)).toMatchObject({ refusal: { reason: 'signer-unknown' } });
  });
});

async function chipScene(): Promise<Scene> {
  const scene = await makeScene();
  agreeLot(scene, { manufacturer: 'mchp', lot: '0301-9912', product: 'sensor' });
  trust(scene, chipSigner, 'signer', 'mchp');
  trust(scene, root, 'root', 'mchp');
  return scene;
}

interface ChipWishes {
  readonly signer?: Party;
  readonly provisioned?: string;
  readonly bare?: boolean;
}

async function chip(id: string, { signer = chipSigner, provisioned = PROVISIONED, bare = false }: ChipWishes = {}) {
  const key = await leafOf(id);
  return makeChip(id, signer, { key, provisioned, ...(bare ? {} : { x5c: [key, issuer] }) });
}

function leafOf(id: string): Promise<Party> {
  return makeDevice(issuer, `sn${id.toUpperCase()}`);
}
