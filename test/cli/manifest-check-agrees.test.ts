// Does the check offline say what an import into an empty whitelist would? Drawn files, full of conflicts, through both.
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';

import { checkManifest } from '../../cli/check.ts';
import type { Anchor } from '../../shared/identity/anchor.ts';
import { formatOf } from '../../shared/whitelist/formats/formats.ts';
import type { ManifestFormat } from '../../shared/whitelist/formats/format.ts';
import { drop, dropAlone, lineOf, manifestOf } from '../functions/whitelist/import-manifest/deliveries.ts';
import { importAll, reportIn, wordsOf } from '../functions/whitelist/list-devices/whole-import.ts';
import { agreeLot, makeScene, NOW, trust, type Scene } from '../functions/scene.ts';
import { anchorOf, makeAuthority, makeDevice, makeSigner, type Party } from '../pki/certificates.ts';
import { arrayOf, makeChip } from '../pki/microchip-manifest.ts';

const RUNS = 100;
const KEYS = ['one', 'two', 'three'];

let root: Party;
let signer: Party;

beforeAll(async () => {
  root = await makeAuthority('Acme Chip Root');
  signer = await makeSigner('Acme Chip Signer');
});

test('T011 T012 T020 our own manifest: serial numbers that differ by case, keys and certificates that repeat', async () => {
  const scene = await makeScene();
  const stranger = await makeAuthority('Stranger Root');
  const serials = ['A1', 'a1', 'A2', 'no serial number'];
  const known = serials.flatMap((serial) => KEYS.map((key) => lineOf(scene.authority, serial, key)));
  const lines = await Promise.all([...known, lineOf(stranger, 'A3', 'four')]);
  // One certificate under two serial numbers.
  const swapped = { serial: 'A2', certificate: lines[0].certificate };
  const met = await compareAll([...lines, swapped], async (drawn) => {
    const fresh = { ...(await makeScene()), authority: scene.authority, signer: scene.signer };
    trust(fresh, scene.authority, 'authority');
    trust(fresh, scene.signer, 'signer');
    const text = manifestOf(drawn);
    const delivery = await drop(fresh, text);
    const signature = fresh.manifests.text(`${delivery.manifestKey}.jws`);
    return {
      scene: fresh,
      delivery,
      text,
      signature,
      anchor: anchorOf(scene.authority, 'authority'),
      signer: scene.signer,
    };
  });
  const words = ['accepted', 'unchanged', 'id-taken', 'key-taken', 'issuer-unknown', 'id-malformed'];
  expect(met).toEqual(new Set(words));
});

test('T011 T012 a chip manifest: keys alone, certificates of the same and of other keys, in any order', async () => {
  const ids = ['0123f2408ea1fcf201', '0123f2408ea1fcf202'];
  const elements = await Promise.all(
    ids.flatMap((id) =>
      KEYS.flatMap((name) =>
        [false, true].map(async (certified) => {
          const key = await makeDevice(root, `sn${id.toUpperCase()}`, { key: name });
          return makeChip(id, signer, certified ? { key, x5c: [key] } : { key });
        }),
      ),
    ),
  );
  const met = await compareAll(elements, async (drawn) => {
    const scene = await makeScene();
    agreeLot(scene, { lot: 'chips' });
    trust(scene, root, 'root');
    trust(scene, signer, 'signer');
    const text = arrayOf(...drawn);
    const delivery = dropAlone(scene, text, 'manifests/acme/chips.json');
    return { scene, delivery, text, signature: undefined, anchor: anchorOf(root, 'root'), signer };
  });
  expect(met).toEqual(new Set(['accepted', 'waiting', 'unchanged', 'id-taken', 'key-taken']));
});

interface Delivered {
  readonly scene: Scene;
  readonly delivery: Parameters<typeof importAll>[1];
  readonly text: string;
  readonly signature: string | undefined;
  /** What the check is told to trust. */
  readonly anchor: Anchor;
  readonly signer: Party;
}

/** Every word that was met on the way: what never occurred would not have been compared. */
async function compareAll<T>(alphabet: readonly T[], make: (drawn: readonly T[]) => Promise<Delivered>) {
  const met = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...alphabet), { minLength: 1, maxLength: 40 }), async (drawn) => {
      const delivered = await make(drawn);
      await importAll(delivered.scene, delivered.delivery);
      const imported = reportIn(delivered.scene, `${delivered.delivery.manifestKey}.report`).lines;
      const checked = await checkOffline(delivered);
      const said = (lines: typeof imported) => lines.map(({ line, result, refusal }) => ({ line, result, refusal }));
      expect(said(checked)).toEqual(said(imported));
      for (const word of wordsOf(checked)) met.add(word);
    }),
    { numRuns: RUNS, seed: 20261124 },
  );
  return met;
}

async function checkOffline({ delivery, text, signature, anchor, signer: by }: Delivered) {
  const report = await checkManifest(
    {
      format: formatBy(delivery.manifestKey),
      manufacturer: 'acme',
      signers: [anchorOf(by, 'signer')],
      anchors: [anchor],
      now: NOW,
      read: () => bytesOf(text),
      signature,
      signatureFile: 'beside it',
    },
    () => undefined,
  );
  return report.lines;
}

function formatBy(name: string): ManifestFormat {
  const format = formatOf(name);
  if (format.outcome === 'refused') throw new Error(name);
  return format.value;
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from(text));
}
