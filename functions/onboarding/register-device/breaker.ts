// Does this refusal open the breaker of its CA? Only the wish is written here; `change-trust` alone applies it.
import { recordEntry, STREAMS } from '../../../shared/ledger/entry.ts';
import type { Change } from '../../../shared/ports.ts';
import {
  breakerCountKey,
  breakerKey,
  countCertificate,
  isFlood,
  openBreaker,
  parseBreaker,
  parseBreakerCount,
  type Breaker,
  type BreakerCount,
} from '../../../shared/whitelist/breaker.ts';
import type { Known, RegisterDeviceWorld } from './flow.ts';

const ATTEMPTS = 20;

/**
 * Counts a certificate that was refused for good, once: its refusal was entered just now. A count that is lost, because a
 * worker died or too many count at once, opens the breaker later, never wrongly.
 */
export async function countAgainst({ notice, authority }: Known, world: RegisterDeviceWorld): Promise<void> {
  if (notice.event !== 'registration' || authority === undefined) return;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    if (await countOnce(notice.authorityId, world)) return;
    // A flood is counted by many workers at once: apart, or the same one would win each time.
    await world.clock.pause(attempt * 10 + (world.random.newSalt()[0] ?? 0));
  }
}

async function countOnce(authority: string, world: RegisterDeviceWorld): Promise<boolean> {
  const now = world.clock.now();
  const [counted, row] = await world.registry.read([breakerCountKey(authority), breakerKey(authority)]);
  const previous = counted === undefined ? undefined : parseBreakerCount(counted);
  const next = countCertificate(previous, now);
  const present = row === undefined ? undefined : parseBreaker(row);
  const opened = isFlood(next) ? openBreaker(present, { authority, by: 'rule', now }) : undefined;
  const changes = [...countChanges(authority, previous, next), ...openChanges({ present, opened, next }, world)];
  if ((await world.registry.commit(changes)) === 'lost') return false;
  // A crash here leaves the breaker pending: the sweep finds it.
  if (opened !== undefined) await world.alignments.requestAuthority(authority);
  return true;
}

function countChanges(authority: string, previous: BreakerCount | undefined, next: BreakerCount): Change[] {
  const key = breakerCountKey(authority);
  return [previous === undefined ? { create: key, row: next } : { replace: key, previous, next }];
}

interface Opening {
  readonly present: Breaker | undefined;
  readonly opened: Breaker | undefined;
  readonly next: BreakerCount;
}

function openChanges({ present, opened, next }: Opening, world: RegisterDeviceWorld): Change[] {
  if (opened === undefined) return [];
  const { authority, version, since } = opened;
  const key = breakerKey(authority);
  const inputs = { authority, certificates: next.certificates, since: next.since };
  const actor = { kind: 'step', step: 'register-device' } as const;
  const detail = { actor, decision: 'done', inputs, requestId: world.requestId } as const;
  const draft = {
    stream: STREAMS.breaker(authority),
    seq: version,
    kind: 'breaker-opened',
    time: since,
    detail,
  } as const;
  return [
    present === undefined ? { create: key, row: opened } : { replace: key, previous: present, next: opened },
    recordEntry(draft, world.random),
  ];
}
