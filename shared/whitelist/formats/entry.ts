// May this device stand in a manifest at all? The checks that every format ends with: id grammar and key.
import { checkKey } from '../../identity/acceptable-key.ts';
import { parseCertificate, type Certificate } from '../../identity/certificate.ts';
import { makeDeviceId } from '../../identity/device-id.ts';
import { done, type Outcome } from '../../outcome.ts';
import type { FormatContext, ManifestEntry } from './format.ts';

export interface CertifiedDevice {
  readonly serial: string;
  readonly certificate: Outcome<Certificate>;
  readonly chain?: readonly Certificate[];
}

/** The entry of a device with a certificate. */
export function certifiedEntry(
  { serial, certificate, chain = [] }: CertifiedDevice,
  { manufacturer }: FormatContext,
): Outcome<ManifestEntry> {
  // Letters outside the grammar, NUL, bidi marks and spaces: they look like another device's id (T020).
  const device = makeDeviceId(manufacturer, serial);
  if (device.outcome === 'refused') return device;
  if (certificate.outcome === 'refused') return certificate;
  const strong = checkKey(certificate.value);
  if (strong.outcome === 'refused') return strong;
  const { keyFingerprint } = certificate.value;
  return done({ serial, certificate: certificate.value, keyFingerprint, chain });
}

/** DER in standard base64. */
export function parseBase64Certificate(text: string): Outcome<Certificate> {
  return parseCertificate(Buffer.from(text, 'base64'));
}
