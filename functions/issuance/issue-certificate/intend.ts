// What will be signed for this request? Fixed once, with its serial and its times, before any signature is asked for.
import type { IssuingAuthority } from '../../../shared/issuance/authority.ts';
import type { CertificateRequest } from '../../../shared/issuance/certificate-request.ts';
import { decidePace, decideRepeat } from '../../../shared/issuance/decide.ts';
import type { Connection } from '../../../shared/issuance/device-message.ts';
import { intentKey, outcomeKey, parseIntent, type Intent } from '../../../shared/issuance/intent.ts';
import { prepareOperational } from '../../../shared/issuance/prepare.ts';
import { recordEntry, STREAMS } from '../../../shared/ledger/entry.ts';
import { certificateInUse, type Enrolling } from '../../../shared/lifecycle.ts';
import { done, Fault, refused, type Outcome } from '../../../shared/outcome.ts';
import type { Change } from '../../../shared/ports.ts';
import { keyClaimKey, parseKeyClaim } from '../../../shared/whitelist/listing.ts';
import { readAuthority } from './authority.ts';
import type { IssueCertificateWorld } from './flow.ts';

/** Clocks of devices and brokers differ a little: a certificate is valid a moment before it is made. */
const BACKDATED_MS = 5 * 60_000;
const ATTEMPTS = 3;

export interface Asked {
  readonly requestId: string;
  readonly request: CertificateRequest;
  readonly device: Enrolling;
  readonly connection: Connection;
}

export interface Intended {
  readonly intent: Intent;
  readonly authority: IssuingAuthority;
  /** Whether its signature is stored already. */
  readonly signed: boolean;
}

export async function intend(
  asked: Asked,
  authority: IssuingAuthority,
  world: IssueCertificateWorld,
): Promise<Outcome<Intended>> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const known = await findIntent(asked, world);
    if (known !== undefined) return known;
    const made = await makeIntent(asked, authority, world);
    if (made !== 'lost') return made;
  }
  throw new Fault('comparison-lost', `request "${asked.requestId}": another writer was faster ${ATTEMPTS} times`);
}

/** The same request again: the bytes that were fixed the first time, and the authority they were fixed for. */
async function findIntent(
  { requestId, request, device }: Asked,
  world: IssueCertificateWorld,
): Promise<Outcome<Intended> | undefined> {
  const keys = [intentKey(device.id, requestId), outcomeKey(device.id, requestId)];
  const [stored, outcome] = await world.registry.read(keys);
  if (stored === undefined) return undefined;
  const intent = decideRepeat(parseIntent(stored), { csr: request.digest }, device);
  if (intent.outcome === 'refused') return intent;
  const authority = await readAuthority(intent.value.issuer, world);
  return done({ intent: intent.value, authority, signed: outcome !== undefined });
}

async function makeIntent(
  asked: Asked,
  authority: IssuingAuthority,
  world: IssueCertificateWorld,
): Promise<Outcome<Intended> | 'lost'> {
  const { request, device } = asked;
  const now = world.clock.now();
  const pace = decidePace(device, now);
  if (pace.outcome === 'refused') return pace;
  // Fresh: neither the factory's nor one that was seen on any device, this one included (T083).
  const claim = keyClaimKey(request.keyFingerprint);
  const [holder] = await world.registry.read([claim]);
  if (holder !== undefined) {
    const got = request.keyFingerprint;
    return refused({ reason: 'key-taken', device: device.id, listed: parseKeyClaim(holder).device, got });
  }
  const prepared = prepareOperational({
    request,
    issuer: authority.issuer,
    serial: world.newSerial(),
    notBefore: new Date(Date.parse(now) - BACKDATED_MS).toISOString(),
    validityDays: authority.validityDays,
    crlUrl: authority.crlUrl,
  });
  if (prepared.outcome === 'refused') return prepared;
  const intent = intentOf(asked, { authority, tbs: prepared.value.tbs, now });
  const committed = await world.registry.commit([
    { create: intentKey(device.id, asked.requestId), row: intent },
    { create: claim, row: { version: 1, device: device.id } },
    intentEntry(intent, prepared.value.serial, world),
  ]);
  return committed === 'lost' ? 'lost' : done({ intent, authority, signed: false });
}

interface Fixed {
  readonly authority: IssuingAuthority;
  readonly tbs: Uint8Array;
  readonly now: string;
}

function intentOf({ requestId, request, device }: Asked, { authority, tbs, now }: Fixed): Intent {
  const { id, owner, epoch } = device;
  const { digest: csr, keyFingerprint } = request;
  return {
    ...{ version: 1, requestId, device: id, owner, epoch, over: certificateInUse(device), csr, keyFingerprint },
    issuer: authority.certificate.fingerprint,
    tbs: Buffer.from(tbs).toString('base64'),
    at: now,
  };
}

function intentEntry(intent: Intent, serial: string, world: IssueCertificateWorld): Change {
  const { requestId, device, owner, epoch, over, csr, keyFingerprint, issuer, tbs, at } = intent;
  const detail = {
    actor: { kind: 'certificate', certificateId: over },
    decision: 'done',
    owner,
    device,
    inputs: { requestId, epoch, over, csr, keyFingerprint, issuer, serial, tbs },
    requestId: world.requestId,
  } as const;
  const stream = STREAMS.issuance(device, requestId);
  return recordEntry({ stream, seq: 1, kind: 'issuance-intended', time: at, detail }, world.random);
}
