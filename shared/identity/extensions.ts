// What does a certificate say of its own use? Its extensions (RFC 5280 4.2), each read once; those that we do not understand
// are named, so that whoever relies on the certificate can refuse it.
import { childrenOf, onlyValue, type DerValue } from './der.ts';
import { dotted, readBoolean, readOid, TAGS } from './der-values.ts';
import {
  isAuthorityKeyId,
  KEY_ID,
  readBasic,
  readKeyUsage,
  readPurposes,
  valueOf,
  type BasicConstraints,
  type Extension,
  type KeyUsage,
} from './extension-values.ts';
import { areGeneralNames } from './general-names.ts';

export type { Extension } from './extension-values.ts';

export interface Extensions {
  /** basicConstraints, when it stands there. */
  readonly basic: BasicConstraints | undefined;
  /** Undefined: not restricted. */
  readonly keyUsage: ReadonlySet<KeyUsage> | undefined;
  /** extKeyUsage as dotted object identifiers; undefined: not restricted. */
  readonly purposes: readonly string[] | undefined;
  /** subjectAltName stands there: `critical` where there is no subject. */
  readonly alternativeName: 'critical' | 'plain' | undefined;
  /** subjectKeyIdentifier, and what authorityKeyIdentifier says of the issuer's: hints, in hex. */
  readonly keyId: string | undefined;
  readonly issuerKeyId: string | undefined;
  /** freshestCRL: newer revocations may stand in a delta list. */
  readonly pointsToDeltas: boolean;
  /** The first that must be understood and is not. */
  readonly unknown: string | undefined;
}

/** Of a certificate that has none. */
export const NO_EXTENSIONS: Extensions = {
  basic: undefined,
  keyUsage: undefined,
  purposes: undefined,
  alternativeName: undefined,
  keyId: undefined,
  issuerKeyId: undefined,
  pointsToDeltas: false,
  unknown: undefined,
};

/** What is wrong, as text, when an extension is malformed or stands there twice. `value`: SEQUENCE OF Extension. */
export function readExtensions(value: DerValue | undefined): Extensions | string {
  const found = listExtensions(value);
  if (typeof found === 'string') return found;
  const one = (oid: string) => found.get(oid);
  const wrong = [...found.values()].find((extension) => !isWellFormed(extension));
  if (wrong !== undefined) return `extension ${dotted(wrong.oid)} is malformed`;
  const alternative = one(OIDS.subjectAltName);
  return {
    basic: readBasic(one(OIDS.basicConstraints)),
    keyUsage: readKeyUsage(one(OIDS.keyUsage)),
    purposes: readPurposes(one(OIDS.extKeyUsage)),
    alternativeName: alternative && (alternative.critical ? 'critical' : 'plain'),
    keyId: hexOf(valueOf(one(OIDS.subjectKeyId))),
    issuerKeyId: hexOf(childrenOf(valueOf(one(OIDS.authorityKeyId)))?.find(({ tag }) => tag === KEY_ID)),
    pointsToDeltas: found.has(OIDS.freshestCrl),
    unknown: [...found.values()].filter(mustBeKnown).map(({ oid }) => dotted(oid))[0],
  };
}

/** By object identifier; a second of one kind could be read by another program than the first (T036). */
export function listExtensions(value: DerValue | undefined): ReadonlyMap<string, Extension> | string {
  const found = new Map<string, Extension>();
  const listed = childrenOf(value) ?? [];
  if (listed.length === 0) return 'extensions: expected at least one';
  for (const each of listed) {
    const extension = readExtension(each);
    if (extension === undefined) return 'extensions: expected object identifier, critical, value';
    if (found.has(extension.oid)) return `extension ${dotted(extension.oid)} stands there twice`;
    found.set(extension.oid, extension);
  }
  return found;
}

/** `critical` is FALSE unless it is written, and is never written when FALSE (X.690 11.5). */
function readExtension(value: DerValue): Extension | undefined {
  const parts = childrenOf(value) ?? [];
  const [type, second] = parts;
  const critical = parts.length === 3;
  const content = parts.at(-1);
  const oid = readOid(type);
  if (oid === undefined || parts.length < 2 || parts.length > 3 || content?.tag !== TAGS.octets) return undefined;
  if (critical && readBoolean(second) !== true) return undefined;
  return { oid, critical, value: content.content };
}

/** RFC 5280 4.2: a critical extension that is not understood refuses the certificate (T028). */
function mustBeKnown({ oid, critical }: Extension): boolean {
  return NEVER_TAKEN.has(oid) || (critical && !UNDERSTOOD.has(oid));
}

function isWellFormed(extension: Extension): boolean {
  const { oid, value } = extension;
  if (oid === OIDS.basicConstraints) return readBasic(extension) !== undefined;
  if (oid === OIDS.keyUsage) return readKeyUsage(extension) !== undefined;
  if (oid === OIDS.extKeyUsage) return readPurposes(extension) !== undefined;
  if (oid === OIDS.subjectAltName) return areGeneralNames(onlyValue(value));
  if (oid === OIDS.subjectKeyId) return valueOf(extension)?.tag === TAGS.octets;
  return oid !== OIDS.authorityKeyId || isAuthorityKeyId(childrenOf(valueOf(extension)));
}

function hexOf(value: DerValue | undefined): string | undefined {
  return value && Buffer.from(value.content).toString('hex');
}

/** id-ce is 2.5.29, in hex 551d. */
const OIDS = {
  subjectKeyId: '551d0e',
  keyUsage: '551d0f',
  subjectAltName: '551d11',
  basicConstraints: '551d13',
  nameConstraints: '551d1e',
  authorityKeyId: '551d23',
  policyConstraints: '551d24',
  extKeyUsage: '551d25',
  freshestCrl: '551d2e',
  inhibitAnyPolicy: '551d36',
} as const;

const UNDERSTOOD: ReadonlySet<string> = new Set([
  OIDS.basicConstraints,
  OIDS.keyUsage,
  OIDS.extKeyUsage,
  OIDS.subjectAltName,
]);

/**
 * They restrict the whole path and must be critical (RFC 5280 4.2.1.10, .11, .14); we do not process them, so that a
 * certificate that has one is refused also where an issuer forgot the mark.
 */
const NEVER_TAKEN: ReadonlySet<string> = new Set([OIDS.nameConstraints, OIDS.policyConstraints, OIDS.inhibitAnyPolicy]);
