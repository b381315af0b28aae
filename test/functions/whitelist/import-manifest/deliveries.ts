// What does a factory drop in these tests? A manifest and its signature, right or wrong in the way a test asks for.
import { parseDelivery, type Delivery } from '../../../../functions/whitelist/import-manifest/notice.ts';
import { writeManifest, type ManifestLine } from '../../../../shared/whitelist/manifest.ts';
import { makeDevice, type Party } from '../../../pki/certificates.ts';
import { signManifest } from '../../../pki/sign-manifest.ts';
import type { Scene } from '../../scene.ts';

export const SIGNED_AT = '2026-11-24T08:00:00.000Z';
export const REPORT = 'manifests/acme/lot-7.jsonl.report';

export interface Drop {
  readonly folder?: string;
  readonly name?: string;
  readonly signer?: Party;
  readonly signedAt?: string;
  /** What is signed; the manifest itself unless told. */
  readonly signed?: string;
}

export type DroppedVersion = Delivery & { readonly signatureVersion: string };

/** Drops a manifest and its signature, and answers what S3 says of it. */
export async function drop(scene: Scene, manifest: string, wishes: Drop = {}): Promise<DroppedVersion> {
  const {
    folder = 'acme',
    name = 'lot-7.jsonl',
    signer = scene.signer,
    signedAt = SIGNED_AT,
    signed = manifest,
  } = wishes;
  const manifestKey = `manifests/${folder}/${name}`;
  scene.manifests.put(manifestKey, manifest);
  return arrived(scene.manifests.put(`${manifestKey}.jws`, await signManifest(signed, signer, signedAt)));
}

/** Drops a manifest whose entries are signed one by one. */
export function dropAlone(scene: Scene, manifest: string, key: string): DroppedVersion {
  return arrived(scene.manifests.put(key, manifest));
}

function arrived({ key, versionId }: { readonly key: string; readonly versionId: string }): DroppedVersion {
  const detail = { object: { key, 'version-id': versionId }, requester: '123456789012' };
  const delivery = parseDelivery(JSON.stringify({ detail }));
  if (delivery.outcome === 'refused') throw new Error(JSON.stringify(delivery.refusal));
  return { ...delivery.value, signatureVersion: versionId };
}

export function manifestOf(lines: readonly ManifestLine[], header: object = {}): string {
  return writeManifest({ manufacturer: 'acme', product: 'pump', lot: '7', ...header }, lines);
}

/** Lines of `count` new devices, P0001 and on. */
export function linesOf({ authority }: Scene, count: number): Promise<ManifestLine[]> {
  return Promise.all(
    Array.from({ length: count }, (_none, index) => lineOf(authority, `P${String(index + 1).padStart(4, '0')}`)),
  );
}

export async function lineOf(authority: Party, serial: string, key = serial): Promise<ManifestLine> {
  const { der } = await makeDevice(authority, serial, { key });
  return { serial, certificate: der.toString('base64') };
}
