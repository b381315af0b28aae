// Which certificates does a revocation list name? Serial number, time and reason of each (RFC 5280 5.3).
import { childrenOf, onlyValue, type DerValue } from './der.ts';
import { dotted, readNumber, readSerial, readTime, TAGS } from './der-values.ts';
import { listExtensions, type Extension } from './extensions.ts';
import { toIso } from './path-rules.ts';

export interface RevokedCertificate {
  /** Lower-case hex of whole bytes without a leading zero byte, as a chain spells it: `0a`. */
  readonly serial: string;
  readonly revokedAt: string;
  readonly reason: string;
}

export interface Entries {
  readonly revoked: readonly RevokedCertificate[];
  readonly limit: string | undefined;
}

/** RFC 5280 5.1.2.6: a list of none is left out. */
export function readEntries(value: DerValue | undefined): Entries | string {
  if (value === undefined) return { revoked: [], limit: undefined };
  const values = childrenOf(value) ?? [];
  if (values.length === 0) return 'revokedCertificates: expected at least one';
  const revoked: RevokedCertificate[] = [];
  let limit: string | undefined;
  for (const each of values) {
    const entry = readEntry(each);
    if (entry === undefined) return 'revokedCertificates: expected serial number, time, extensions';
    revoked.push(entry.certificate);
    limit ??= entry.limit;
  }
  return { revoked, limit };
}

function readEntry(value: DerValue) {
  const [serialNumber, date, listed, ...more] = childrenOf(value) ?? [];
  const [serial, time] = [readSerial(serialNumber), readTime(date)];
  if (serial === undefined || time === undefined || more.length > 0) return undefined;
  const extensions = listed === undefined ? new Map<string, Extension>() : listExtensions(listed);
  if (typeof extensions === 'string') return undefined;
  const reason = readReason(extensions.get(REASON_CODE));
  const certificate: RevokedCertificate = { serial, revokedAt: toIso(time), reason };
  return { certificate, limit: unknownIn([...extensions.values()]) };
}

/** RFC 5280 5.3.1: it tells people why; revoked is revoked. */
function readReason(extension: Extension | undefined): string {
  const code = extension && readNumber(onlyValue(extension.value), TAGS.enumerated);
  return REASON_NAMES[code ?? 0] ?? 'unspecified';
}

/** A critical extension that is not understood, in a list or in one of its entries. */
export function unknownIn(extensions: readonly Extension[]): string | undefined {
  const unknown = extensions.find(({ critical }) => critical);
  return unknown && `critical extension ${dotted(unknown.oid)} is not known`;
}

/** id-ce is 2.5.29, in hex 551d. */
const REASON_CODE = '551d15';
/** By number; 7 is not used. */
const REASON_NAMES = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  undefined,
  'removeFromCRL',
  'privilegeWithdrawn',
  'aACompromise',
];
