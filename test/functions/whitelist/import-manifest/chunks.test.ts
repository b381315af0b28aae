// How is a manifest of any length cut, and does a second run write the very same bytes?
import { describe, expect, test } from 'vitest';

import { importManifest } from '../../../../functions/whitelist/import-manifest/flow.ts';
import { chunkObject } from '../../../../shared/whitelist/import.ts';
import type { ManifestLine } from '../../../../shared/whitelist/manifest.ts';
import { makeAuthority } from '../../../pki/certificates.ts';
import { makeScene, trust, type Scene } from '../../scene.ts';
import { chunksOf, resultsOf } from './chunk-lines.ts';
import { drop, lineOf, linesOf, manifestOf } from './deliveries.ts';

describe('chunks', () => {
  test.each([
    [0, [0]],
    [1, [1]],
    [499, [499]],
    [500, [500]],
    [501, [500, 1]],
    [1001, [500, 500, 1]],
  ])('of a manifest of %i entries hold %j of them, in order', async (count, sizes) => {
    const scene = await makeScene();
    const delivery = await drop(scene, manifestOf(unreadableLines(count)));
    expect(await importManifest(delivery, scene)).toMatchObject({ outcome: 'done', value: { chunks: sizes.length } });
    expect(scene.chunks.requested.map(({ chunk }) => chunk)).toEqual(sizes.map((_size, index) => index + 1));
    const lengths = scene.chunks.requested.map((request) => linesIn(scene, chunkObject(delivery, request)));
    expect(lengths).toEqual(sizes);
    expect((await chunksOf(scene)).map(({ line }) => line)).toEqual(Array.from({ length: count }, (_n, at) => at + 2));
    expect(scene.manifests.keys.filter((key) => key.startsWith('imports/'))).toHaveLength(sizes.length);
  });

  test('of two deliveries of one file are apart', async () => {
    const scene = await makeScene();
    const manifest = manifestOf(await linesOf(scene, 1));
    await importManifest(await drop(scene, manifest), scene);
    await importManifest(await drop(scene, manifest), scene);
    expect(scene.manifests.keys.filter((key) => key.startsWith('imports/'))).toHaveLength(2);
    expect(scene.chunks.requested.map(({ signatureVersion }) => signatureVersion)).toEqual(['v1', 'v2']);
  });

  test('are asked for only when the file as a whole is right: a count that differs shows last', async () => {
    const scene = await makeScene();
    const manifest = manifestOf(unreadableLines(501)).replace('"count":501', '"count":502');
    expect(await importManifest(await drop(scene, manifest), scene)).toMatchObject({
      refusal: { reason: 'count-differs', expected: 502, got: 501 },
    });
    expect(scene.chunks.calls).toEqual([]);
  });
});

describe('a second run of the same delivery', () => {
  test('writes the same bytes, whatever the time, and asks for the same chunks again', async () => {
    const scene = await makeScene();
    const delivery = await drop(scene, manifestOf(await linesOf(scene, 3)));
    await importManifest(delivery, scene);
    const [object = ''] = scene.manifests.keys.filter((key) => key.startsWith('imports/'));
    const first = scene.manifests.text(object);
    scene.clock.advance(3_600_000);
    await importManifest(delivery, scene);
    expect(scene.manifests.text(object)).toBe(first);
    expect(scene.chunks.requested).toHaveLength(2);
    expect(scene.chunks.requested[1]).toEqual(scene.chunks.requested[0]);
  });

  test('after a refusal checks anew: trust may have changed', async () => {
    const scene = await makeScene();
    const bravo = await makeAuthority('Acme Second Root');
    const delivery = await drop(scene, manifestOf([await lineOf(bravo, 'P0001')]));
    await importManifest(delivery, scene);
    expect(await resultsOf(scene)).toEqual(['issuer-unknown']);
    trust(scene, bravo, 'authority');
    const again = await drop(scene, manifestOf([await lineOf(bravo, 'P0001')]));
    await importManifest(again, scene);
    expect(await resultsOf(scene)).toEqual(['issuer-unknown', 'listing']);
  });
});

function linesIn({ manifests }: Scene, key: string): number {
  return (manifests.text(key) ?? '').split('\n').filter(Boolean).length;
}

/** Entries are counted whether or not they can be read; these cost no certificate. */
function unreadableLines(count: number): ManifestLine[] {
  return Array.from({ length: count }, (_none, index) => ({ serial: `P${index}`, certificate: 'AAAA' }));
}
