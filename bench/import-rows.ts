// A manifest of any length, through the whole of import-manifest but S3.
import { writeChunks } from '../functions/whitelist/import-manifest/chunks.ts';
import type { Anchor } from '../shared/identity/anchor.ts';
import { parseCertificate } from '../shared/identity/certificate.ts';
import type { ManifestStore } from '../shared/ports.ts';
import { wardkey } from '../shared/whitelist/formats/wardkey.ts';
import { MANIFEST_FORMAT } from '../shared/whitelist/manifest.ts';

export const NOW = '2026-11-24T12:00:00.000Z';
export const MANUFACTURER = 'acme';

export interface Material {
  readonly anchor: Anchor;
  /** base64 DER */
  readonly certificate: string;
}

/** Every line has a serial number of its own; they share one certificate, which costs the same to read each time. */
export async function importRows(rows: number, material: Material): Promise<void> {
  const store: ManifestStore = {
    findNewest: () => Promise.resolve(undefined),
    read: () => manifest(rows, material),
    write: () => Promise.resolve(),
  };
  const lot = { version: 1, manufacturer: MANUFACTURER, lot: 'bench', product: 'bench', count: rows } as const;
  const delivery = {
    signatureKey: 'manifests/acme/bench.jsonl.jws',
    signatureVersion: '1',
    manifestKey: 'manifests/acme/bench.jsonl',
    format: wardkey,
    name: 'bench',
    manufacturer: MANUFACTURER,
    deliveredBy: 'bench',
  };
  const signed = { manifest: '0'.repeat(64), signer: '0'.repeat(64), signedAt: NOW };
  const object = { key: delivery.manifestKey, versionId: '1' };
  const outcome = await writeChunks({ object, delivery, anchors: [material.anchor], lot, signed, now: NOW }, store);
  if (outcome.outcome === 'refused') throw new Error(JSON.stringify(outcome.refusal));
}

export function anchorOf(der: Uint8Array): Anchor {
  const certificate = parseCertificate(der);
  if (certificate.outcome === 'refused') throw new Error('the CA of the bench cannot be read');
  return { version: 1, purpose: 'authority', manufacturer: MANUFACTURER, certificate: certificate.value };
}

async function* manifest(rows: number, material: Material): AsyncGenerator<Uint8Array> {
  const header = { format: MANIFEST_FORMAT, manufacturer: MANUFACTURER, product: 'bench', lot: 'bench', count: rows };
  yield Buffer.from(`${JSON.stringify(header)}\n`);
  for (let row = 0; row < rows; row += 1) {
    yield Buffer.from(`${lineOf(row, material)}\n`);
    // As a real stream does: others get their turn.
    if (row % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

export function lineOf(index: number, { certificate }: Material): string {
  return JSON.stringify({ serial: `B${String(index).padStart(7, '0')}`, certificate });
}
