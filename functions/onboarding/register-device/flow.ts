// Step `register-device`: a device connected for the first time; is it admitted, and if not, why? (blueprint step 2)
import { authorityKey, parseAuthority } from '../../../shared/identity/anchor.ts';
import { verifyFactoryCertificate, type Authority } from '../../../shared/identity/factory-certificate.ts';
import type { EntryRandomness } from '../../../shared/ledger/entry.ts';
import { isAdmitted, type Device } from '../../../shared/lifecycle.ts';
import { done, Fault, type Outcome } from '../../../shared/outcome.ts';
import type { AlignmentQueue, Broker, Clock, Registry } from '../../../shared/ports.ts';
import { decideAdmission, findDenial } from '../../../shared/whitelist/admit.ts';
import { certificateKey, parseCertificateRow, type CertificateRow } from '../../../shared/whitelist/certificate-row.ts';
import { listingKey, parseListing, type Listing } from '../../../shared/whitelist/listing.ts';
import type { BrokerQuota } from '../broker-quota.ts';
import { admit, repeat } from './admit.ts';
import { readChanges } from './changes.ts';
import type { Notice } from './notice.ts';
import { recogniseStranger } from './recognise.ts';
import { refuse } from './refuse.ts';
import { comeBack } from './return.ts';

export interface RegisterDeviceWorld {
  readonly registry: Registry;
  readonly alignments: AlignmentQueue;
  /** Reads only. */
  readonly broker: Pick<Broker, 'findCertificate'>;
  readonly quota: Pick<BrokerQuota, 'tryTurn'>;
  readonly clock: Clock;
  readonly random: EntryRandomness;
  readonly requestId: string;
  /** How many days a certificate may wait for activation before the broker forgets it. */
  readonly pendingDays: number;
}

export interface Registration {
  readonly device: string;
  /** `reset`: it begins anew, and its next connect is a first one. */
  readonly verdict: 'admitted' | 'repeated' | 'ignored' | 'reset';
}

/** What was read before the decision. */
export interface Known {
  readonly notice: Notice;
  /** The manufacturer's CA that the broker named, if we registered it. */
  readonly authority: Authority | undefined;
  readonly certificate: CertificateRow | undefined;
  readonly listing?: Listing;
  readonly device?: Device | undefined;
}

/** What an attempt answers when another writer was faster. */
export type Attempt = Outcome<Registration> | 'lost';

const ATTEMPTS = 3;
const IGNORED = done({ device: '', verdict: 'ignored' as const });

/**
 * Two table reads and one transaction of a listed device; a stranger costs a turn and a read of the broker too, and a
 * clone is counted. A notice that comes again meets the recorded decision: at the device row, or by losing the comparison.
 */
export async function registerDevice(notice: Notice, world: RegisterDeviceWorld): Promise<Outcome<Registration>> {
  // Only a certificate that waits for activation asks a question; the others were decided elsewhere (T043).
  if (notice.event === 'registration' && notice.status !== 'PENDING_ACTIVATION') return IGNORED;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const answer = await decideOnce(notice, world);
    if (answer !== 'lost') return answer;
  }
  const { certificateId } = notice;
  throw new Fault('comparison-lost', `certificate "${certificateId}": another writer was faster ${ATTEMPTS} times`);
}

async function decideOnce(notice: Notice, world: RegisterDeviceWorld): Promise<Attempt> {
  // 1 Read what the whitelist and the trust anchors know of this certificate and this authority.
  const { listing, ...found } = await readKnown(notice, world);
  // 2 Not listed: an unknown device, or one whose key is not the one its factory reported (T023). No signature of it is
  // checked: whoever is not on the list gets no work out of us.
  if (listing === undefined) {
    if (notice.event === 'presence') return IGNORED;
    return refuse(await recogniseStranger({ ...found, notice }, world), found, world);
  }
  // A device of a registered CA asked when its certificate came in; its later connects ask nothing.
  if (notice.event === 'presence' && listing.path !== 'registered') return IGNORED;
  // 3 Read what may have changed since the listing: owner and standing of the device, the maker's revocation lists.
  const { device, ...revocation } = await readChanges(listing, world.registry);
  const known = { ...found, listing, device };
  const denial = findDenial(device);
  if (denial !== undefined) return refuse(denial.refusal, known, world);
  // Each connect of an admitted chip: its maker's lists end first connects, and the owner ends the rest.
  if (notice.event === 'presence' && device !== undefined && isAdmitted(device))
    return done({ device: device.id, verdict: 'repeated' });
  // 4 Verify: the listed certificate, under the authority it was listed with, not taken back, valid now.
  const now = world.clock.now();
  const certificate = verifyFactoryCertificate(presentedIn(known), listing, { ...revocation, now });
  if (certificate.outcome === 'refused') return refuse(certificate.refusal, known, world);
  // 5 Decide: only an owned device in good standing is admitted.
  const admission = decideAdmission(certificate.value, listing, device, now);
  if (admission.outcome === 'refused') return refuse(admission.refusal, known, world);
  // 6 Act and record in one transaction; then let the broker be brought in line.
  if (admission.value.verdict === 'admitted') return admit(admission.value.device, known, world);
  if (admission.value.verdict === 'returned') return comeBack(admission.value.device, known, world);
  return repeat(admission.value.device, known, world);
}

async function readKnown(notice: Notice, { registry }: RegisterDeviceWorld): Promise<Known> {
  const keys = [listingKey(notice.certificateId), certificateKey(notice.certificateId)];
  const [listed, row, authority] = await registry.read(
    notice.event === 'presence' ? keys : [...keys, authorityKey(notice.authorityId)],
  );
  return {
    notice,
    authority: authority === undefined ? undefined : parseAuthority(authority),
    certificate: row === undefined ? undefined : parseCertificateRow(row),
    ...(listed === undefined ? {} : { listing: parseListing(listed) }),
  };
}

function presentedIn({ notice, authority }: Known) {
  const { certificateId } = notice;
  if (notice.event === 'presence') return { certificateId };
  return { certificateId, authority: { id: notice.authorityId, known: authority } };
}
