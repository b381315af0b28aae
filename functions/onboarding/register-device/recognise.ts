// Whom does a certificate that is not listed claim to be? Nobody we know (a stranger), or a listed device under another
// key (a clone). The answer names the reason only: nothing is admitted here, and no signature is checked.
import { parsePemCertificate, type Certificate } from '../../../shared/identity/certificate.ts';
import { readCertificateFields } from '../../../shared/identity/der.ts';
import { makeDeviceId, type DeviceId } from '../../../shared/identity/device-id.ts';
import { Fault } from '../../../shared/outcome.ts';
import type { Refusal } from '../../../shared/reasons.ts';
import { foldId, idClaimKey, keyClaimKey, parseIdClaim, parseKeyClaim } from '../../../shared/whitelist/listing.ts';
import type { Known, RegisterDeviceWorld } from './flow.ts';

/** One read of the broker and one of the tables, and neither while devices that are listed wait for the broker. */
export async function recogniseStranger({ notice, authority }: Known, world: RegisterDeviceWorld): Promise<Refusal> {
  const { certificateId } = notice;
  const stranger = { reason: 'not-listed', certificateId } as const;
  // Without a manufacturer a name means nothing. A flood of strangers must not take the quota of those who are listed.
  if (authority === undefined || !(await world.quota.tryTurn())) return stranger;
  const shown = await world.broker.findCertificate(certificateId);
  // A notice that somebody made up: what the broker itself says counts (T042).
  if (shown === undefined) return { reason: 'certificate-unknown', certificateId };
  const certificate = parsePemCertificate(shown.pem);
  if (certificate.outcome === 'refused') return stranger;
  if (certificate.value.fingerprint !== certificateId)
    throw new Fault('answer-malformed', `certificate "${certificateId}": the broker answered with another certificate`);
  return compareWithListed(certificate.value, authority.manufacturer, world);
}

async function compareWithListed(
  certificate: Certificate,
  manufacturer: string,
  { registry }: RegisterDeviceWorld,
): Promise<Refusal> {
  const { fingerprint: got, keyFingerprint } = certificate;
  const named = namedDevice(certificate, manufacturer);
  const keys = [keyClaimKey(keyFingerprint), ...(named === undefined ? [] : [idClaimKey(named)])];
  const [key, id] = await registry.read(keys);
  const holder = key === undefined ? undefined : parseKeyClaim(key).device;
  // A known serial number under a key that its factory never reported (T024, T052).
  const same = named !== undefined && holder !== undefined && foldId(named) === foldId(holder);
  if (named !== undefined && id !== undefined && !same) return { reason: 'another-key', device: named, got };
  if (holder === undefined) return { reason: 'not-listed', certificateId: got };
  const awaited = same && id !== undefined && parseIdClaim(id).fingerprint === undefined;
  return awaited
    ? { reason: 'certificate-absent', device: holder }
    : { reason: 'another-certificate', device: holder, got };
}

/** By its commonName, read from the structure (T034). It is compared, never used. */
function namedDevice({ x509 }: Certificate, manufacturer: string): DeviceId | undefined {
  const serial = readCertificateFields(x509.raw)?.commonName;
  const id = serial === undefined ? undefined : makeDeviceId(manufacturer, serial);
  return id?.outcome === 'done' ? id.value : undefined;
}
