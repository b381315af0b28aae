// Are these stored bytes the ones that were prepared? What they say is read and prepared again: only the same bytes are
// believed, so that whatever became of a row, a key of ours signs nothing but the profile.
import { checkKey } from '../identity/acceptable-key.ts';
import { parseCertificate } from '../identity/certificate.ts';
import { readBody } from '../identity/certificate-body.ts';
import { childrenOf, onlyValue, readCertificateFields, type DerValue } from '../identity/der.ts';
import { listExtensions } from '../identity/extensions.ts';
import { sameBytes } from '../identity/path-rules.ts';
import { Fault } from '../outcome.ts';
import { bits, sequence } from './der-writing.ts';
import type { Issuer } from './issuer.ts';
import { readName, type Name } from './name.ts';
import { prepareAgain, type PreparedCertificate } from './prepare.ts';
import { DISTRIBUTION_POINTS, type CertificateKind } from './profile.ts';
import { SERIAL_BYTES, type Terms } from './terms.ts';

/**
 * The proof for bytes that were stored before they are signed, so that a worker that died can be followed by another. Throws
 * `row-malformed` unless they are of this kind and for this issuer; a root is restored without one.
 */
export function restorePrepared(
  tbs: Uint8Array,
  issuer: Issuer | undefined,
  kind: CertificateKind = 'operational',
): PreparedCertificate {
  const values = readPrepared(tbs, kind);
  const again = values && prepareAgain({ ...values, kind, issuer });
  if (again?.outcome === 'done' && sameBytes(again.value.tbs, tbs)) return again.value;
  throw new Fault('row-malformed', `stored bytes: expected a prepared certificate of the kind "${kind}"`);
}

interface PreparedValues extends Terms {
  readonly subject: Name;
  readonly publicKey: Uint8Array;
  readonly crlUrl: string | undefined;
}

/** Undefined when our own readers do not take them. The signature is not there yet, and nobody asks for it. */
function readPrepared(tbs: Uint8Array, kind: CertificateKind): PreparedValues | undefined {
  const fields = childrenOf(onlyValue(tbs)) ?? [];
  const certificate = parseCertificate(sequence(tbs, fields[ALGORITHM]?.whole ?? NOTHING, bits(NOTHING)));
  if (certificate.outcome === 'refused') return undefined;
  // A device's key was checked when it asked; which keys an owner's certificates have is for `prepare` to say (T017).
  if (kind === 'operational' && checkKey(certificate.value).outcome === 'refused') return undefined;
  const { notBefore } = certificate.value;
  const body = readBody(certificate.value);
  const publicKey = readCertificateFields(certificate.value.x509.raw)?.key;
  if (body.outcome === 'refused' || publicKey === undefined) return undefined;
  const subject = readName(body.value.subject);
  const serial = Buffer.from(body.value.serial, 'hex');
  if (subject === undefined || serial.length !== SERIAL_BYTES) return undefined;
  const validityDays = (body.value.notAfter + SECOND - body.value.notBefore) / DAY;
  const crlUrl = readCrlUrl(fields.at(-1));
  return { serial, notBefore, validityDays, subject, publicKey, crlUrl };
}

/** RFC 5280 4.2.1.13: down to the one name of the one point. */
function readCrlUrl(extensions: DerValue | undefined): string | undefined {
  const listed = listExtensions(onlyValue(extensions?.content ?? NOTHING));
  let inner = typeof listed === 'string' ? undefined : listed.get(DISTRIBUTION_POINTS)?.value;
  for (let depth = 0; depth < POINT_DEPTH && inner !== undefined; depth += 1) inner = onlyValue(inner)?.content;
  return inner && Buffer.from(inner).toString('latin1');
}

const NOTHING = new Uint8Array();
const SECOND = 1000;
const DAY = 86_400 * SECOND;
const ALGORITHM = 2;
/** Points, point, [0] distributionPoint, [0] fullName, [6] URI. */
const POINT_DEPTH = 5;
