// A device takes keys of its own: a new key, a certificate of its owner's for it, in use and confirmed; its factory certificate
// is spent then, and no use to anybody.
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { openAgent } from '../../device/agent.ts';
import { nodeDisk } from '../../device/disk.ts';
import { openIdentityStore } from '../../device/identity-store.ts';
import { connectOnce } from '../../device/connect.ts';
import { isOperational, type Device } from '../../shared/lifecycle.ts';
import { awaitDossier } from '../await-dossier.ts';
import type { Guest, Row } from './first-connects.ts';
import type { Stage } from './story.ts';

export async function rotate(stage: Stage, guest: Guest, row: Row): Promise<Row> {
  const { terminal, broker, folder } = stage;
  const store = openIdentityStore(join(folder, 'devices', guest.id), guest, nodeDisk);
  const clock = { now: () => new Date(Date.now()).toISOString() };
  const random = () => randomInt(1_000_000) / 1_000_000;
  await terminal.step(
    `${guest.id} makes a key, gets a certificate of its owner's, uses and confirms it`,
    async (note) => {
      const agent = openAgent({
        ...{ store, broker, clock, random },
        pause: (milliseconds, signal) =>
          setTimeout(Math.min(milliseconds, 1_000), undefined, { signal }).catch(() => undefined),
        report: ({ event }) => {
          note(event);
        },
      });
      const outcome = await agent.rotate(AbortSignal.timeout(PATIENCE_MS));
      if (outcome !== 'confirmed') throw new Error(`the request was ${outcome}`);
      await (await agent.connect()).close();
    },
  );
  const { device } = await terminal.step(`the ledger says so, and ${guest.id} is operational`, () =>
    awaitDossier(stage.deployment, guest.id, (dossier) => isDone(dossier.device)),
  );
  const until = device !== undefined && isOperational(device) ? device.current.notAfter.slice(0, 10) : 'unknown';
  return { ...row, reason: `${row.reason}; operational, by a key of its own until ${until}` };
}

function isDone(device: Device | undefined): boolean {
  return device !== undefined && isOperational(device) && device.brokerPending === undefined;
}

/** Whoever kept a copy of the factory's key gets nothing for it. */
export async function comeBackSpent(stage: Stage, guest: Guest): Promise<void> {
  await stage.terminal.step(
    `the factory certificate of ${guest.id} is spent: whoever shows it is closed, and noticed`,
    async () => {
      const connection = await connectOnce(stage.broker, guest);
      if (connection.outcome === 'accepted') throw new Error(`${guest.id} was let in`);
      await awaitDossier(stage.deployment, guest.id, ({ refusals }) =>
        refusals.some(({ reason }) => reason === 'factory-certificate-consumed'),
      );
    },
  );
}

const PATIENCE_MS = 120_000;
