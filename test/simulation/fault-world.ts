// Who lives in the small world of a fault run? A few devices of each kind, the people who decide about them, and somebody
// who has stolen the maker's second CA.
import { BREAKER, breakerCountKey } from '../../shared/whitelist/breaker.ts';
import { OWNER } from '../functions/scene.ts';
import { craftListDer } from '../pki/crafted-list.ts';
import type { Chance } from './chance.ts';
import type { Act, Cloud } from './cloud.ts';
import { PoweredDevice } from './devices.ts';
import { paper, type Paper } from './paper-certificates.ts';
import { awaitRegistration, knowOwner, list, madeOf, own, trustAnchor, trustAuthority } from './settings.ts';

export const ROLES = [
  'plain',
  'chip',
  'claimed-late',
  'chip-claimed-late',
  'restricted',
  'cut',
  'chip-cut',
  'restricted-then-cut',
  'denied',
  'denied-unowned',
  'revoked-by-maker',
] as const;
export type Role = (typeof ROLES)[number];

export interface Resident {
  readonly id: string;
  readonly role: Role;
  readonly device: PoweredDevice;
}

export interface FaultWorld {
  readonly residents: readonly Resident[];
  readonly strangers: readonly PoweredDevice[];
  readonly clones: readonly PoweredDevice[];
  readonly ca: Paper;
}

const MINUTE = 60_000;
const CLONES = 6;
const BACKOFF = { firstMs: 2_000, mostMs: 40_000 };
const ON_WITHIN_MS = 20_000;
const STAYS_MS = 60_000;
const EVENTS_LOST = 0.1;

const ACME = paper({ name: 'Acme Root' });
const STOLEN = paper({ name: 'Acme Second Root' });
const CHIPS = paper({ name: 'Chip Root' });

export async function populate(cloud: Cloud): Promise<FaultWorld> {
  await trustAuthority(cloud, ACME);
  await trustAuthority(cloud, STOLEN);
  trustAnchor(cloud, CHIPS, 'root');
  knowOwner(cloud);
  const chance = cloud.chance.for('world');
  const residents: Resident[] = [];
  for (const role of rolesOf(chance)) residents.push(await settleIn(role, residents.length, cloud));
  const [strangers, clones] = [makeStrangers(cloud, chance), makeClones(residents, cloud, chance)];
  for (const device of [...residents.map((resident) => resident.device), ...strangers, ...clones])
    device.switchOn(chance.between(0, ON_WITHIN_MS));
  // Many were refused before these few: the next ones open the breaker.
  const count = { version: 1, since: cloud.time.now(), certificates: BREAKER.most - CLONES + 2 };
  cloud.registry.seed(breakerCountKey(STOLEN.certificate.fingerprint), count);
  return { residents, strangers, clones, ca: ACME };
}

/** Six to twelve devices; over the seeds every role with every other. */
function rolesOf(chance: Chance): readonly Role[] {
  const roles = ROLES.filter(() => chance.happens(0.6));
  return ['plain', 'plain', ...roles.slice(0, 8), 'claimed-late', 'chip'];
}

const CHIP_ROLES: ReadonlySet<Role> = new Set(['chip', 'chip-claimed-late', 'chip-cut']);
const UNOWNED: ReadonlySet<Role> = new Set(['claimed-late', 'chip-claimed-late', 'denied-unowned']);

async function settleIn(role: Role, index: number, cloud: Cloud): Promise<Resident> {
  const isChip = CHIP_ROLES.has(role);
  const serial = `P${100 + index}`;
  const issuer = isChip ? CHIPS : ACME;
  const certificate = paper({ name: serial, issuer });
  const made = madeOf(certificate, serial, { issuer, path: isChip ? 'registered' : 'jitr' });
  const id = list(cloud, made);
  if (isChip) await awaitRegistration(cloud, made);
  if (!UNOWNED.has(role)) await own(cloud, made, id);
  return { id, role, device: power(certificate, issuer, cloud, `device ${index}`) };
}

function makeStrangers(cloud: Cloud, chance: Chance): readonly PoweredDevice[] {
  const count = 1 + chance.below(2);
  return Array.from({ length: count }, (_none, index) => {
    const issuer = index === 0 ? ACME : STOLEN;
    return power(paper({ name: `X${index}`, issuer }), issuer, cloud, `stranger ${index}`);
  });
}

/** They carry serial numbers of genuine devices, under keys of their own. */
function makeClones(residents: readonly Resident[], cloud: Cloud, chance: Chance): readonly PoweredDevice[] {
  const count = chance.happens(0.5) ? CLONES : 1;
  return Array.from({ length: count }, (_none, index) => {
    const name = `P${100 + (index % residents.length)}`;
    return power(paper({ name, key: `clone ${index}`, issuer: STOLEN }), STOLEN, cloud, `clone ${index}`);
  });
}

function power({ certificate, pem }: Paper, ca: Paper, cloud: Cloud, name: string): PoweredDevice {
  const terms = {
    ...{ certificateId: certificate.fingerprint, authority: ca.certificate.fingerprint, pem },
    ...{ backoff: BACKOFF, staysMs: STAYS_MS, eventsLost: EVENTS_LOST },
  };
  return new PoweredDevice(terms, cloud, cloud.chance.for(name));
}

/** What people do meanwhile, each at a time of the seed's choice. */
export function decide({ residents, ca }: FaultWorld, cloud: Cloud, withinMs: number): readonly Promise<void>[] {
  const chance = cloud.chance.for('people');
  // Half of the worlds are in a hurry: people decide while the first connects are still under way.
  const soon = chance.happens(0.5) ? withinMs / 4 : withinMs;
  const at = (act: Act, least = 0, most = withinMs) =>
    performAt(act, chance.between(least, Math.max(least + MINUTE, most)), cloud);
  const breaker = { authority: STOLEN.certificate.fingerprint } as const;
  return [
    ...residents.flatMap((resident) => actsAbout(resident).map((act, index) => at(act, (index * withinMs) / 2, soon))),
    ...residents.slice(0, 1).map((plain) => deleteByHand(plain, chance.between(withinMs / 2, withinMs), cloud)),
    ...residents
      .filter(({ role }) => role === 'chip-claimed-late')
      .flatMap((chip) => [1, 2, 3, 4].map((part) => attachByHand(chip, (part * withinMs) / 16, cloud))),
    at(revocationList(residents, ca)),
    at({ kind: 'claim-devices', owner: OWNER, devices: ['acme-P999'] }),
    at({ kind: 'open-breaker', ...breaker }),
    at({ kind: 'close-breaker', ...breaker }, withinMs / 2),
  ];
}

function actsAbout({ id: device, role }: Resident): readonly Act[] {
  const claimed = { kind: 'claim-devices', owner: OWNER, devices: [device] };
  const quarantined = (level: string) => ({ kind: 'quarantine', device, level, cause: 'investigation' });
  switch (role) {
    case 'claimed-late':
    case 'chip-claimed-late':
      return [claimed];
    case 'restricted':
      return [quarantined('restricted')];
    case 'cut':
    case 'chip-cut':
      return [quarantined('cut')];
    case 'restricted-then-cut':
      return [quarantined('restricted'), quarantined('cut')];
    case 'denied':
    case 'denied-unowned':
      return [{ kind: 'deny', device, cause: 'stolen' }, quarantined('cut')];
    case 'plain':
    case 'chip':
    case 'revoked-by-maker':
      return [];
  }
}

/** The maker takes back what it made for one of them, and never one that is plain. */
function revocationList(residents: readonly Resident[], ca: Paper): Act {
  const revoked = residents.flatMap(({ role }, index) =>
    role === 'revoked-by-maker' ? [{ serial: paper({ name: `P${100 + index}`, issuer: ca }).serial }] : [],
  );
  const list = craftListDer({ issuer: ca.signs, revoked }).toString('base64');
  return { kind: 'add-revocation-list', manufacturer: 'acme', list };
}

/** Somebody gives a chip's certificate another policy and thing at the console, before anybody owns the chip. */
async function attachByHand({ device }: Resident, afterMs: number, { broker, laws, time }: Cloud): Promise<void> {
  await time.pause(afterMs);
  const { certificateId } = device.terms;
  const certificate = await broker.findCertificate(certificateId);
  if (certificate?.status !== 'INACTIVE' || laws.devices.get(certificateId) !== undefined) return;
  await broker.attachPolicy('operation', certificate.arn);
  if (laws.devices.get(certificateId) !== undefined) return;
  await broker.createThing('somebody-elses');
  if (laws.devices.get(certificateId) === undefined) await broker.attachThing('somebody-elses', certificate.arn);
}

/** Somebody deletes a certificate at the console: its device comes back as if for the first time. */
async function deleteByHand({ device }: Resident, afterMs: number, { broker, laws, time }: Cloud): Promise<void> {
  await time.pause(afterMs);
  const { certificateId } = device.terms;
  const certificate = await broker.findCertificate(certificateId);
  if (certificate?.status !== 'ACTIVE' || laws.devices.get(certificateId)?.brokerPending !== undefined) return;
  await broker.setStatus(certificateId, 'INACTIVE');
  for (const thing of await broker.listThings(certificate.arn)) await broker.detachThing(thing, certificate.arn);
  for (const policy of await broker.listPolicies(certificate.arn)) await broker.detachPolicy(policy, certificate.arn);
  await broker.deleteCertificate(certificateId);
}

async function performAt(act: Act, afterMs: number, cloud: Cloud): Promise<void> {
  await cloud.time.pause(afterMs);
  await cloud.perform(act);
}
