// Step `publish-crl`: each issuing CA says which of its certificates have ended, for those who check certificates outside of
// this deployment. On a schedule; a list comes when there is something new to say, and before the last one ends.
import { ISSUING, parseIssuing, type IssuingAuthority } from '../../../shared/issuance/authority.ts';
import { isDue, listStateKey, parseListState, type ListState } from '../../../shared/issuance/list-state.ts';
import { signVerified } from '../../../shared/signing/verified-signature.ts';
import { recordEntry, STREAMS, type EntryRandomness } from '../../../shared/ledger/entry.ts';
import { done, Fault, type Outcome } from '../../../shared/outcome.ts';
import type {
  Clock,
  KeyHomes,
  Registry,
  RevocationListStore,
  SignatureAttempt,
  SigningQueue,
} from '../../../shared/ports.ts';
import { intendList, readNamed, readTbs } from './intend.ts';
import { isShown, publishSigned, storeSignature, writeSigned } from './publish.ts';

export interface PublishCrlWorld {
  readonly registry: Registry;
  readonly lists: RevocationListStore;
  readonly keys: KeyHomes;
  readonly signing: SigningQueue;
  readonly clock: Clock;
  readonly random: EntryRandomness;
  readonly requestId: string;
}

export interface Published {
  readonly issuer: string;
  readonly number: number;
  /** `ordered`: a signer beside an HSM signs it. `current`: nothing new to say. */
  readonly verdict: 'published' | 'ordered' | 'current';
}

/** One after the other: what fails for one owner is thrown at the end, after the others have theirs. */
export async function publishLists(world: PublishCrlWorld): Promise<Outcome<readonly Published[]>> {
  const rows = await world.registry.list(ISSUING.table, ISSUING.pk, '');
  const published: Published[] = [];
  const faults: unknown[] = [];
  for (const authority of rows.map((row) => parseIssuing(row))) {
    try {
      published.push(await publishList(authority, world));
    } catch (error) {
      faults.push(error);
    }
  }
  if (faults.length > 0)
    throw new Fault('key-unusable', `${faults.length} revocation lists were not published`, { cause: faults[0] });
  return done(published);
}

async function publishList(authority: IssuingAuthority, world: PublishCrlWorld): Promise<Published> {
  const issuer = authority.certificate.fingerprint;
  // 1 Read what was said last, and what there is to say.
  const present = await readState(issuer, world);
  const named = await readNamed(issuer, present, world);
  const unfinished = present !== undefined && present.publishedAt === undefined;
  const due = isDue(present, { names: named.digest, now: world.clock.now() });
  if (!unfinished && !due && present !== undefined) return keepShown(authority, present, world);
  // 2 Fix the bytes and their number before anybody signs; an intent that a crash left is finished first.
  const intent = unfinished ? present : await intendList({ authority, present, named }, world);
  // 3 Sign, here or beside the HSM; the first signature that is stored counts.
  const signed = intent.signature === undefined ? await sign(authority, intent, world) : intent;
  if (signed === 'ordered') return { issuer, number: intent.number, verdict: 'ordered' };
  // 4 Publish what was stored. A crash before the mark publishes it once more.
  await publishSigned(authority, signed, world);
  return { issuer, number: signed.number, verdict: 'published' };
}

/** A worker that slept may have written an older list over it, or somebody took it away: it is looked at each time. */
async function keepShown(authority: IssuingAuthority, present: ListState, world: PublishCrlWorld): Promise<Published> {
  const { number } = present;
  const issuer = authority.certificate.fingerprint;
  if (await isShown(issuer, present, world)) return { issuer, number, verdict: 'current' };
  await writeSigned(authority, present, world);
  return { issuer, number, verdict: 'published' };
}

async function sign(
  authority: IssuingAuthority,
  intent: ListState,
  world: PublishCrlWorld,
): Promise<ListState | 'ordered'> {
  const { home, algorithm, certificate } = authority;
  const tbs = await readTbs(certificate.fingerprint, intent, world);
  if (home.kind === 'pkcs11') {
    const order = { kind: 'list', issuer: certificate.fingerprint, number: intent.number } as const;
    await world.signing.request({ intent: order, key: home.name, algorithm, tbs: Buffer.from(tbs).toString('base64') });
    return 'ordered';
  }
  const signer = world.keys.open({ keyArn: home.keyArn, algorithm }, (attempt) =>
    recordAttempt(attempt, { authority, intent }, world),
  );
  return storeSignature(authority, intent, await signVerified(signer, tbs), world);
}

interface Attempted {
  readonly authority: IssuingAuthority;
  readonly intent: ListState;
}

/** CloudTrail names each call to Sign; here is what each was for. */
async function recordAttempt(
  { keyArn, number, error, requestId: call }: SignatureAttempt,
  { authority: { owner, certificate }, intent }: Attempted,
  { registry, clock, random, requestId }: PublishCrlWorld,
): Promise<void> {
  const list = { issuer: certificate.fingerprint, list: intent.number };
  const inputs = { ...list, keyArn, number, ...(call && { call }), ...(error && { error }) };
  const actor = { kind: 'step', step: 'publish-crl' } as const;
  const detail = { actor, decision: 'done', owner, inputs, requestId } as const;
  const draft = { stream: STREAMS.signing(random.newId()), seq: 1, kind: 'signature-attempted', detail } as const;
  await registry.commit([recordEntry({ ...draft, time: clock.now() }, random)]);
}

export async function readState(issuer: string, { registry }: PublishCrlWorld): Promise<ListState | undefined> {
  const [row] = await registry.read([listStateKey(issuer)]);
  return row === undefined ? undefined : parseListState(row);
}
