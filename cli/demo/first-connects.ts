// How does each first connect end? Admitted; decided and refused; or closed by the broker before anybody is asked.
import { X509Certificate } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';

import { isRegistered } from '../../shared/lifecycle.ts';
import type { Dossier } from '../../shared/governance/dossier.ts';
import { REASONS } from '../../shared/reasons.ts';
import { connectOnce, onboard, type Identity } from '../../device/connect.ts';
import { awaitDossier } from '../await-dossier.ts';
import { invoke } from '../invoke.ts';
import type { Stage } from './story.ts';

/** Whoever comes to the broker, with what a person should know of it. */
export interface Guest extends Identity {
  readonly what: string;
}

export interface Row {
  readonly device: string;
  readonly what: string;
  readonly outcome: 'admitted' | 'refused' | 'closed';
  readonly reason: string;
  /** From the first connect to the recorded decision; absent where nothing was decided. */
  readonly milliseconds?: number;
}

export async function admit(stage: Stage, guest: Guest): Promise<Row> {
  const { terminal, broker } = stage;
  const started = Date.now();
  await terminal.step(
    `${guest.id} (${guest.what}) connects, asks again while it is closed, and is accepted`,
    async () => {
      const connection = await onboard(broker, guest, { attempts: 40, firstPauseMs: 500, pause: briefly });
      if (connection.outcome === 'closed') throw new Error(`still closed: ${connection.problem}`);
      await connection.session.close();
    },
  );
  const { device, listing } = await terminal.step(`${guest.id} is admitted, and the admission is recorded`, () =>
    awaitDossier(stage.deployment, guest.id, (dossier) => dossier.device !== undefined && isRegistered(dossier.device)),
  );
  if (device === undefined || !isRegistered(device)) throw new Error(`not admitted: ${JSON.stringify(device)}`);
  const reason = `listed in ${listing?.lot ?? ''}, owned by ${device.owner}`;
  return rowOf(guest, { outcome: 'admitted', reason, milliseconds: Date.parse(device.registeredAt) - started });
}

export async function refuse(stage: Stage, guest: Guest): Promise<Row> {
  const { terminal } = stage;
  const started = Date.now();
  const { refusals } = await terminal.step(
    `${guest.id} (${guest.what}) connects, is closed, and is refused`,
    async () => {
      await expectClosed(stage, guest);
      return awaitDossier(stage.deployment, fingerprintOf(guest), (dossier) => dossier.refusals.length > 0);
    },
  );
  await terminal.step(`${guest.id} asks again and stays out`, () => expectClosed(stage, guest));
  const [refusal] = refusals;
  if (refusal === undefined) throw new Error(`no refusal of ${guest.id}`);
  const reason = `${refusal.reason}: ${REASONS[refusal.reason].sentence}`;
  return rowOf(guest, { outcome: 'refused', reason, milliseconds: Date.parse(refusal.at) - started });
}

/** The broker itself ends it: no event, so no decision and no entry. */
export async function stayUnheard(stage: Stage, guest: Guest): Promise<Row> {
  await stage.terminal.step(
    `${guest.id} (${guest.what}) connects and is closed by the broker; nobody is asked`,
    async () => {
      await expectClosed(stage, guest);
      // As long as the others needed for a decision, and more.
      await setTimeout(UNHEARD_MS);
      const known = await invoke<Dossier>(stage.deployment, 'show-device', { subject: fingerprintOf(guest) });
      if (known.outcome === 'done') throw new Error(`expected no decision: ${JSON.stringify(known.value.refusals)}`);
    },
  );
  return rowOf(guest, { outcome: 'closed', reason: 'by the broker, without event or decision' });
}

function rowOf({ id, what }: Guest, rest: Omit<Row, 'device' | 'what'>): Row {
  return { device: id, what, ...rest };
}

async function expectClosed({ broker }: Stage, guest: Guest): Promise<void> {
  const connection = await connectOnce(broker, guest);
  if (connection.outcome === 'closed') return;
  await connection.session.close();
  throw new Error(`${guest.id} was let in`);
}

function fingerprintOf({ certificate }: Guest): string {
  return new X509Certificate(certificate).fingerprint256.replaceAll(':', '').toLowerCase();
}

/** The demo's device is impatient: a real one waits longer each time. */
function briefly(milliseconds: number): Promise<void> {
  return setTimeout(Math.min(milliseconds, 1_000));
}

const UNHEARD_MS = 1_500;
