// Step `change-trust`, revocation lists: a manufacturer says which of its certificates must not be admitted any more (T040).
// It ends first connects only: of a device that somebody owns, the owner decides.
import { hash } from 'node:crypto';

import type { TrustChange } from '../../../shared/governance/changes.ts';
import { anchorKey, parseAnchor } from '../../../shared/identity/anchor.ts';
import { parsePemCertificates, type Certificate } from '../../../shared/identity/certificate.ts';
import { readBody } from '../../../shared/identity/certificate-body.ts';
import { verifyPath } from '../../../shared/identity/path.ts';
import {
  isListOf,
  parseRevocationList,
  verifyRevocationList,
  type RevocationList,
  type RevokedCertificate,
  type VerifiedList,
} from '../../../shared/identity/revocation-list.ts';
import { parseListRow, revocationListKey, revokedKey, type ListRow } from '../../../shared/identity/revocation.ts';
import { STREAMS } from '../../../shared/ledger/entry.ts';
import { done, Fault, refused, type Outcome } from '../../../shared/outcome.ts';
import type { AddRevocationList } from './act.ts';
import type { ChangeTrustWorld } from './flow.ts';
import { trustEntry, type Acted } from './record.ts';

/** Below what one transaction holds, with the entry. */
const BATCH = 90;

export async function addRevocationList(
  { act, principal }: Acted<AddRevocationList>,
  world: ChangeTrustWorld,
): Promise<Outcome<TrustChange>> {
  // 1 Parse and verify: one of the manufacturer's own issuers signed it, it is current, and it speaks of all certificates.
  const der = Buffer.from(act.list, 'base64');
  const parsed = parseRevocationList(der);
  if (parsed.outcome === 'refused') return parsed;
  const verified = await verifyByOwnIssuer(parsed.value, act, world);
  if (verified.outcome === 'refused') return verified;
  const { list, issuerKey } = verified.value;
  // 2 Decide: an older list must not take the place of a newer one (rollback).
  const [row] = await world.registry.read([revocationListKey(issuerKey)]);
  const present = row === undefined ? undefined : parseListRow(row);
  const [fingerprint, revoked] = [hash('sha256', der), list.revoked.length];
  if (present?.digest === fingerprint) return done({ result: 'unchanged', fingerprint, revoked });
  if (present !== undefined && BigInt(list.number) <= BigInt(present.number))
    return refused({ reason: 'crl-unusable', problem: `number ${list.number} is not above ${present.number}` });
  // 3 The certificates first: a crash here leaves some of them refused, which they are, and the act is done again.
  for (let at = 0; at < revoked; at += BATCH) {
    const batch = { issuerKey, digest: fingerprint, principal, number: at / BATCH + 1 };
    await addRevoked(list.revoked.slice(at, at + BATCH), batch, world);
  }
  // 4 Then the list itself: from here on the issuer's certificates need a current one.
  const { number, thisUpdate, nextUpdate } = list;
  const next: ListRow = { version: (present?.version ?? 0) + 1, digest: fingerprint, number, thisUpdate, nextUpdate };
  const inputs = {
    manufacturer: act.manufacturer,
    issuerKey,
    digest: fingerprint,
    number,
    thisUpdate,
    nextUpdate,
    revoked,
  };
  const entry = trustEntry({ stream: STREAMS.revocationList(issuerKey), seq: next.version, principal, inputs }, world);
  const key = revocationListKey(issuerKey);
  const change = present === undefined ? { create: key, row: next } : { replace: key, previous: present, next };
  if ((await world.registry.commit([change, entry])) === 'committed')
    return done({ result: 'changed', fingerprint, revoked });
  throw new Fault('comparison-lost', `revocation list of "${issuerKey}": another one came meanwhile`);
}

interface OwnList {
  readonly list: VerifiedList;
  /** SHA-256 of the issuer's SubjectPublicKeyInfo. */
  readonly issuerKey: string;
}

/** An anchor of this manufacturer, or an issuer below one that the act brings. */
async function verifyByOwnIssuer(
  list: RevocationList,
  { manufacturer, issuers = '' }: AddRevocationList,
  world: ChangeTrustWorld,
): Promise<Outcome<OwnList>> {
  const now = world.clock.now();
  const brought = issuers === '' ? done([]) : parsePemCertificates(issuers);
  if (brought.outcome === 'refused') return brought;
  const anchors = await readIssuers(manufacturer, world);
  const leadsToAnchor = (leaf: Certificate) =>
    verifyPath({ leaf, issuers: brought.value, anchors, usage: 'any', now }).outcome === 'done';
  const named = [...anchors, ...brought.value.filter(leadsToAnchor)].filter((issuer) => isNamedBy(list, issuer));
  let answer: Outcome<OwnList> = refused({ reason: 'issuer-unknown', manufacturer });
  for (const issuer of named) {
    const verdict = verifyRevocationList(list, issuer, now);
    if (verdict.outcome === 'done') return done({ list: verdict.value, issuerKey: issuer.keyFingerprint });
    answer = verdict;
  }
  return answer;
}

function isNamedBy(list: RevocationList, issuer: Certificate): boolean {
  const body = readBody(issuer);
  return body.outcome === 'done' && isListOf(list, body.value);
}

async function readIssuers(manufacturer: string, { registry }: ChangeTrustWorld): Promise<readonly Certificate[]> {
  const partitions = (['authority', 'root'] as const).map((purpose) => anchorKey(manufacturer, purpose, ''));
  const rows = await Promise.all(partitions.map(({ table, pk, sk }) => registry.list(table, pk, sk)));
  return rows.flat().map((row) => parseAnchor(row).certificate);
}

interface Batch {
  readonly issuerKey: string;
  /** SHA-256 of the list. */
  readonly digest: string;
  readonly principal: string;
  readonly number: number;
}

/** Those that are not known yet, with one entry for all of them. */
async function addRevoked(
  revoked: readonly RevokedCertificate[],
  { issuerKey, digest, principal, number }: Batch,
  world: ChangeTrustWorld,
): Promise<void> {
  const keys = revoked.map(({ serial }) => revokedKey({ issuerKey, serial }));
  const rows = await world.registry.read(keys);
  const fresh = revoked.filter((_, index) => rows[index] === undefined);
  if (fresh.length === 0) return;
  const serials = fresh.map(({ serial }) => serial);
  const entry = trustEntry(
    { stream: STREAMS.revokedBatch(digest, number), principal, inputs: { issuerKey, list: digest, serials } },
    world,
  );
  const creates = fresh.map(({ serial, revokedAt }) => ({
    create: revokedKey({ issuerKey, serial }),
    row: { version: 1, revokedAt, list: digest },
  }));
  if ((await world.registry.commit([...creates, entry])) === 'lost')
    throw new Fault('comparison-lost', `revocation list "${digest}": another one came meanwhile`);
}
