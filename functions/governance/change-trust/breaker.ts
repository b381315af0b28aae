// Step `change-trust`, breakers: an operator says whether new devices of a CA may come in, and the broker is made to follow;
// so is what `register-device` wished when a CA looked stolen (T051).
import type { TrustChange } from '../../../shared/governance/changes.ts';
import { AUTHORITIES, parseAuthority } from '../../../shared/identity/anchor.ts';
import { recordEntry, STREAMS, type EntryKind } from '../../../shared/ledger/entry.ts';
import { done, Fault, refused, type Outcome } from '../../../shared/outcome.ts';
import type { Change } from '../../../shared/ports.ts';
import {
  breakerKey,
  closeBreaker,
  isCooledDown,
  markApplied,
  openBreaker,
  parseBreaker,
  type Breaker,
} from '../../../shared/whitelist/breaker.ts';
import { underLease, type HeldLease } from '../../lease.ts';
import type { MoveBreaker } from './act.ts';
import type { ChangeTrustWorld } from './flow.ts';
import { trustEntry, type Acted } from './record.ts';

export async function moveBreaker(
  { act, principal }: Acted<MoveBreaker>,
  world: ChangeTrustWorld,
): Promise<Outcome<TrustChange>> {
  const { kind, authority: fingerprint } = act;
  const authority = await findAuthority(fingerprint, world);
  if (authority === undefined) return refused({ reason: 'authority-unknown', authority: fingerprint });
  const present = await readBreaker(authority, world);
  const move = kind === 'open-breaker' ? openBreaker : closeBreaker;
  const next = move(present, { authority, by: 'operator', now: world.clock.now() });
  if (next === undefined) return done({ result: 'unchanged', fingerprint });
  const inputs = { authority, fingerprint };
  const record = { stream: STREAMS.breaker(authority), seq: next.version, kind: kindOf(next), principal, inputs };
  const changes = [breakerChange(present, next), trustEntry(record, world)];
  if ((await world.registry.commit(changes)) === 'lost')
    throw new Fault('comparison-lost', `breaker of "${authority}": moved by somebody else meanwhile`);
  // A crash here leaves the breaker pending: the sweep of align-broker asks again.
  await world.alignments.requestAuthority(authority);
  return done({ result: 'changed', fingerprint });
}

/** Whether the breaker of this CA is open. */
export async function isStopped(fingerprint: string, world: ChangeTrustWorld): Promise<boolean> {
  const authority = await findAuthority(fingerprint, world);
  return authority !== undefined && (await readBreaker(authority, world))?.position === 'open';
}

async function findAuthority(fingerprint: string, { registry }: ChangeTrustWorld): Promise<string | undefined> {
  const rows = await registry.list(AUTHORITIES.table, AUTHORITIES.pk, '');
  return rows.find((row) => parseAuthority(row).fingerprint === fingerprint)?.sk;
}

export type AlignAuthorityWorld = Pick<ChangeTrustWorld, 'registry' | 'authorities' | 'clock' | 'random' | 'requestId'>;

export interface AuthorityAlignment {
  readonly authority: string;
  readonly registration: 'stopped' | 'open' | 'settled';
}

const ROUNDS = 5;

/** Returns when the broker was seen to do what the newest version of the row wishes. */
export function alignAuthority(authority: string, world: AlignAuthorityWorld): Promise<AuthorityAlignment> {
  // One worker per CA: the broker compares nothing, and a late one would shut what was opened again.
  return underLease(`authority#${authority}`, world, (lease) => alignHeld(authority, lease, world));
}

async function alignHeld(authority: string, lease: HeldLease, world: AlignAuthorityWorld): Promise<AuthorityAlignment> {
  for (let round = 0; round < ROUNDS; round += 1) {
    const present = await readBreaker(authority, world);
    const now = world.clock.now();
    const due = present?.brokerPending;
    if (present === undefined || due === undefined || Date.parse(due) > Date.parse(now))
      return { authority, registration: 'settled' };
    const answer = isCooledDown(present, now) ? await close(present, world) : await apply(present, lease, world);
    if (answer !== 'again') return { authority, registration: answer };
  }
  throw new Fault('comparison-lost', `breaker of "${authority}": its row changed ${ROUNDS} times meanwhile`);
}

/** By rule: its time is over. If the flood is still there, it opens again. */
async function close(present: Breaker, world: AlignAuthorityWorld): Promise<'again'> {
  const next = closeBreaker(present, { authority: present.authority, by: 'rule', now: world.clock.now() });
  if (next !== undefined) await world.registry.commit(moveChanges(present, next, kindOf(next), world));
  return 'again';
}

async function apply(
  present: Breaker,
  lease: HeldLease,
  world: AlignAuthorityWorld,
): Promise<'stopped' | 'open' | 'again'> {
  lease.check();
  const { authority, position } = present;
  await world.authorities.setRegistration(authority, position === 'open' ? 'not-enter' : 'enter');
  const next = markApplied(present, world.clock.now());
  if ((await lease.settle(moveChanges(present, next, 'aligned', world))) === 'lost') return 'again';
  return position === 'open' ? 'stopped' : 'open';
}

function moveChanges(present: Breaker, next: Breaker, kind: EntryKind, world: AlignAuthorityWorld): readonly Change[] {
  const { authority, position, by, version: seq } = next;
  const actor = { kind: 'step', step: 'change-trust' } as const;
  const detail = { actor, decision: 'done', inputs: { authority, position, by }, requestId: world.requestId } as const;
  const draft = { stream: STREAMS.breaker(authority), seq, kind, time: world.clock.now(), detail };
  return [breakerChange(present, next), recordEntry(draft, world.random)];
}

function breakerChange(present: Breaker | undefined, next: Breaker): Change {
  const key = breakerKey(next.authority);
  return present === undefined ? { create: key, row: next } : { replace: key, previous: present, next };
}

async function readBreaker(authority: string, { registry }: Pick<ChangeTrustWorld, 'registry'>) {
  const [row] = await registry.read([breakerKey(authority)]);
  return row === undefined ? undefined : parseBreaker(row);
}

function kindOf({ position }: Breaker): EntryKind {
  return position === 'open' ? 'breaker-opened' : 'breaker-closed';
}
