// Does what a factory delivers come in as it is? The station's files through the flow that imports them.
import { readFileSync } from 'node:fs';
import { hash } from 'node:crypto';

import { beforeEach, expect, test } from 'vitest';

import { deliverLot } from '../../../cli/factory/manifest.ts';
import { makeDevice, openStation, type Station } from '../../../cli/factory/station.ts';
import { UsageError } from '../../../cli/terminal.ts';
import { importManifest } from '../../../functions/whitelist/import-manifest/flow.ts';
import { anchorKey, anchorRow, type AnchorPurpose } from '../../../shared/identity/anchor.ts';
import { parsePemCertificate } from '../../../shared/identity/certificate.ts';
import { makeScene, type Scene } from '../../functions/scene.ts';
import { newFolder } from '../folders.ts';

const LOT = { product: 'pump', lot: 'lot-7', serials: ['P1002', 'P1001'] };

let station: Station;

beforeEach(async () => {
  station = await openStation(newFolder(), 'acme');
  for (const serial of LOT.serials) await makeDevice(station, serial);
});

test('is imported whole when authority and signer of the station are trusted', async () => {
  const delivery = deliverLot(station, LOT);
  const { scene, outcome } = await importFiles(delivery.manifestFile);
  expect(outcome).toMatchObject({
    outcome: 'done',
    value: {
      manifest: { digest: delivery.digest, manufacturer: 'acme' },
      header: { product: 'pump', lot: 'lot-7', count: 2 },
      lines: [
        { line: 2, result: 'accepted', device: 'acme-P1002' },
        { line: 3, result: 'accepted', device: 'acme-P1001' },
      ],
    },
  });
  expect(scene.registry.rows('whitelist').filter(({ pk }) => pk.startsWith('id#'))).toHaveLength(2);
});

test('has the fingerprints of the certificates that the devices hold', async () => {
  const { outcome } = await importFiles(deliverLot(station, LOT).manifestFile);
  const lines = outcome.outcome === 'done' ? outcome.value.lines : [];
  for (const { device, fingerprint } of lines) {
    const serial = device?.replace('acme-', '') ?? '';
    const pem = readFileSync(`${station.folder}/devices/${serial}/device.pem`, 'utf8');
    expect(fingerprintOf(pem)).toBe(fingerprint);
  }
});

test('tells the digest of the very file, and how many devices are in it', () => {
  const delivery = deliverLot(station, LOT);
  expect(delivery).toMatchObject({
    devices: 2,
    digest: hash('sha256', readFileSync(delivery.manifestFile)),
    manifestFile: `${station.folder}/manifests/lot-7.jsonl`,
    signatureFile: `${station.folder}/manifests/lot-7.jsonl.jws`,
  });
});

test('is refused when one byte is changed on the way', async () => {
  const { outcome } = await importFiles(deliverLot(station, LOT).manifestFile, (text) => text.replace('pump', 'bump'));
  expect(outcome).toMatchObject({ outcome: 'refused', refusal: { reason: 'signature-invalid' } });
});

test('holds no private key', () => {
  const { manifestFile, signatureFile } = deliverLot(station, LOT);
  for (const file of [manifestFile, signatureFile]) expect(readFileSync(file, 'utf8')).not.toContain('PRIVATE');
});

test('lists no device that the station did not make', () => {
  expect(() => deliverLot(station, { ...LOT, serials: ['P1001', 'P9999'] })).toThrow(UsageError);
});

/** Drops the two files as they are, or the manifest changed, and imports them where the station is trusted. */
async function importFiles(manifestFile: string, change = (text: string) => text) {
  const scene = await makeScene();
  trust(scene, 'authority', readFileSync(station.authorityFile, 'utf8'));
  trust(scene, 'signer', readFileSync(station.signerFile, 'utf8'));
  // The station signs by the wall clock.
  scene.clock.set(new Date(Date.now() + 1000).toISOString());
  const manifestKey = 'manifests/acme/lot-7.jsonl';
  scene.manifests.put(manifestKey, change(readFileSync(manifestFile, 'utf8')));
  const signature = scene.manifests.put(`${manifestKey}.jws`, readFileSync(`${manifestFile}.jws`));
  const delivery = { signatureKey: signature.key, signatureVersion: signature.versionId, manifestKey };
  const outcome = await importManifest({ ...delivery, manufacturer: 'acme', deliveredBy: 'factory' }, scene);
  return { scene, outcome };
}

function trust({ registry }: Scene, purpose: AnchorPurpose, pem: string): void {
  const certificate = parsePemCertificate(pem);
  if (certificate.outcome === 'refused') throw new Error(JSON.stringify(certificate.refusal));
  const key = anchorKey('acme', purpose, certificate.value.fingerprint);
  registry.seed(key, anchorRow({ version: 1, purpose, manufacturer: 'acme', certificate: certificate.value }));
}

function fingerprintOf(pem: string): string {
  const certificate = parsePemCertificate(pem);
  return certificate.outcome === 'done' ? certificate.value.fingerprint : '';
}
