// How is the stage set before a story begins? As the earlier steps leave it: anchors, listings, owners, devices.
import { anchorClaimKey, anchorKey, anchorRow, authorityKey } from '../../shared/identity/anchor.ts';
import { ownerKey } from '../../shared/identity/owner.ts';
import { makeDeviceId } from '../../shared/identity/device-id.ts';
import { recordEntry, STREAMS } from '../../shared/ledger/entry.ts';
import { deviceKey } from '../../shared/lifecycle.ts';
import { claim } from '../../shared/lifecycle-moves.ts';
import { certificateKey, wish } from '../../shared/whitelist/certificate-row.ts';
import { idClaimKey, keyClaimKey, listingKey, type Listing } from '../../shared/whitelist/listing.ts';
import { OWNER, PRINCIPAL } from '../functions/scene.ts';
import type { Cloud } from './cloud.ts';
import type { Paper } from './paper-certificates.ts';

const MAKER = 'acme';

/** Of a device, as far as its maker's manifest says it; a certificate in full only where somebody reads it. */
export interface Made {
  readonly serial: string;
  readonly fingerprint: string;
  readonly keyFingerprint: string;
  readonly serialNumber: string;
  readonly certificate?: Buffer;
  readonly issuer: Paper;
  readonly path: 'jitr' | 'registered';
}

export function madeOf(
  { certificate, serial: serialNumber, der }: Paper,
  serial: string,
  of: Pick<Made, 'issuer' | 'path'>,
): Made {
  const { fingerprint, keyFingerprint } = certificate;
  return { serial, fingerprint, keyFingerprint, serialNumber, certificate: der, ...of };
}

/** A CA of the maker that the broker knows: its devices come by themselves. */
export async function trustAuthority(cloud: Cloud, ca: Paper): Promise<void> {
  const { fingerprint } = ca.certificate;
  await cloud.authorities.register(ca.pem);
  cloud.registry.seed(authorityKey(fingerprint), { version: 1, fingerprint, manufacturer: MAKER });
  trustAnchor(cloud, ca, 'authority');
}

export function trustAnchor({ registry }: Cloud, { certificate }: Paper, purpose: 'authority' | 'root'): void {
  const { fingerprint } = certificate;
  registry.seed(anchorClaimKey(fingerprint), { version: 1, purpose, manufacturer: MAKER });
  const anchor = { version: 1, purpose, manufacturer: MAKER, certificate } as const;
  registry.seed(anchorKey(MAKER, purpose, fingerprint), anchorRow(anchor));
}

export function knowOwner({ registry }: Cloud): void {
  registry.seed(ownerKey(OWNER), { version: 1, owner: OWNER });
}

/** As `list-devices` leaves it. */
export function list({ registry }: Cloud, made: Made): string {
  const { fingerprint, keyFingerprint } = made;
  const listing = listingOf(made);
  registry.seed(listingKey(fingerprint), listing);
  registry.seed(idClaimKey(listing.device), { version: 1, fingerprint });
  registry.seed(keyClaimKey(keyFingerprint), { version: 1, device: listing.device });
  return listing.device;
}

function listingOf({ serial, fingerprint, keyFingerprint, serialNumber, certificate, issuer, path }: Made): Listing {
  const device = makeDeviceId(MAKER, serial);
  if (device.outcome === 'refused') throw new Error(`setting: ${JSON.stringify(device.refusal)}`);
  const validity = { notBefore: '2026-01-01T00:00:00.000Z', notAfter: '2046-01-01T00:00:00.000Z' };
  return {
    ...{ version: 1, device: device.value, serial, manufacturer: MAKER, product: 'pump', lot: '7', path },
    ...(path === 'registered' && certificate !== undefined ? { certificate: certificate.toString('base64') } : {}),
    ...{ fingerprint, keyFingerprint, issuer: issuer.certificate.fingerprint, ...validity },
    chain: [{ issuerKey: issuer.certificate.keyFingerprint, serial: serialNumber, ...validity }],
    provenance: {
      ...{ manifest: 'd'.repeat(64), line: 2, signer: 'e'.repeat(64) },
      ...{ signedAt: '2026-10-01T08:00:00.000Z', importedAt: '2026-10-02T09:00:00.000Z' },
    },
  };
}

/** As `claim-devices` leaves it. */
export async function own(cloud: Cloud, { fingerprint: factoryCertificate, path }: Made, id: string): Promise<void> {
  const now = cloud.time.now();
  const row = claim({ id, manufacturer: MAKER, path, factoryCertificate, owner: OWNER, now });
  const actor = { kind: 'iam', principal: PRINCIPAL } as const;
  const detail = { actor, decision: 'done', inputs: {}, requestId: 'claim' } as const;
  const draft = { stream: STREAMS.device(id), seq: 1, kind: 'claimed', time: now, detail } as const;
  await cloud.watched.commit([{ create: deviceKey(id), row }, recordEntry(draft, cloud.random)]);
}

/** As `list-devices` leaves a chip: its certificate waits for the broker. */
export async function awaitRegistration(cloud: Cloud, { fingerprint: certificateId }: Made): Promise<void> {
  const now = cloud.time.now();
  const row = wish({ certificateId, wanted: 'known', since: now }, undefined);
  const actor = { kind: 'step', step: 'list-devices' } as const;
  const detail = { actor, decision: 'done', inputs: {}, requestId: 'list' } as const;
  const stream = STREAMS.certificate(certificateId);
  const draft = { stream, seq: 1, kind: 'alignment-requested', time: now, detail } as const;
  await cloud.watched.commit([{ create: certificateKey(certificateId), row }, recordEntry(draft, cloud.random)]);
  cloud.queues.certificates.send(JSON.stringify({ certificate: certificateId }));
}
