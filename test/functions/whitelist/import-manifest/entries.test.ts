// Which entries of a verified manifest can be listed, and what is said of the others?
import { describe, expect, test } from 'vitest';

import { importManifest } from '../../../../functions/whitelist/import-manifest/flow.ts';
import { makeAuthority } from '../../../pki/certificates.ts';
import { makeScene, trust, type Scene } from '../../scene.ts';
import { chunksOf, resultsOf } from './chunk-lines.ts';
import { drop, lineOf, linesOf, manifestOf } from './deliveries.ts';

describe('a line that is refused does not hold up the others:', () => {
  test.each<[name: string, reason: string, make: (scene: Scene) => Promise<object>]>([
    [
      'T020 a serial number with a full-width digit',
      'id-malformed',
      async (scene) => ({ ...(await lineOf(scene.authority, 'P9000')), serial: 'P900０' }),
    ],
    [
      'a certificate that cannot be read',
      'certificate-malformed',
      () => Promise.resolve({ serial: 'P9000', certificate: 'AAAA' }),
    ],
    [
      'an unknown member',
      'manifest-malformed',
      async (scene) => ({ ...(await lineOf(scene.authority, 'P9000')), owner: 'me' }),
    ],
    [
      "a certificate of another maker's authority, which nobody here trusts",
      'issuer-unknown',
      async () => lineOf(await makeAuthority('Bravo Root'), 'P9000'),
    ],
    [
      "a certificate of another maker's authority, which is trusted for that maker",
      'issuer-unknown',
      async (scene) => {
        const bravo = await makeAuthority('Bravo Root');
        trust(scene, bravo, 'authority', 'bravo');
        return lineOf(bravo, 'P9000');
      },
    ],
    [
      'a certificate that a signer issued: who may vouch for keys may not issue',
      'issuer-unknown',
      async (scene) => {
        const signer = await makeAuthority('Acme Signing CA');
        trust(scene, signer, 'signer');
        return lineOf(signer, 'P9000');
      },
    ],
  ])('%s (%s)', async (_name, reason, make) => {
    const scene = await makeScene();
    const [first, ...rest] = await linesOf(scene, 3);
    if (first === undefined) throw new Error('expected a line');
    const lines = [first, (await make(scene)) as typeof first, ...rest];
    await importManifest(await drop(scene, manifestOf(lines)), scene);
    expect(await resultsOf(scene)).toEqual(['listing', reason, 'listing', 'listing']);
    expect((await chunksOf(scene)).map(({ line }) => line)).toEqual([2, 3, 4, 5]);
  });

  test('T019 a line that is cut off at 64 KiB: what is missing may be what makes it invalid', async () => {
    const scene = await makeScene();
    const lines = manifestOf(await linesOf(scene, 3)).split('\n');
    const manifest = lines.with(2, `${lines[2] ?? ''}${' '.repeat(64 * 1024)}nonsense`).join('\n');
    await importManifest(await drop(scene, manifest), scene);
    expect(await resultsOf(scene)).toEqual(['listing', 'manifest-malformed', 'listing']);
  });

  test('a certificate under a root is listed with its DER and the path "registered"', async () => {
    const scene = await makeScene();
    const root = await makeAuthority('Acme Chip Root');
    trust(scene, root, 'root');
    const line = await lineOf(root, 'P9000');
    await importManifest(await drop(scene, manifestOf([line, await lineOf(scene.authority, 'P0001')])), scene);
    const listings = (await chunksOf(scene)).map(({ verdict }) => 'listing' in verdict && verdict.listing);
    expect(listings).toMatchObject([{ path: 'registered', certificate: line.certificate }, { path: 'jitr' }]);
    expect(listings[1]).not.toHaveProperty('certificate');
  });
});
