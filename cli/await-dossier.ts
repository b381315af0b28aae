// When has a decision been made? Decisions are made behind queues, so the dossier is asked for until it shows them.
import { setTimeout } from 'node:timers/promises';

import type { Dossier } from '../shared/governance/dossier.ts';
import type { Deployment } from './deployment.ts';
import { invoke } from './invoke.ts';

const TRIES = 60;
const PAUSE_MS = 500;

export async function awaitDossier(
  deployment: Deployment,
  subject: string,
  ready: (dossier: Dossier) => boolean,
): Promise<Dossier> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const outcome = await invoke<Dossier>(deployment, 'show-device', { subject });
    if (outcome.outcome === 'done' && ready(outcome.value)) return outcome.value;
    await setTimeout(PAUSE_MS);
  }
  throw new Error(
    `the dossier of "${subject}" did not become what was awaited in ${(TRIES * PAUSE_MS) / 1000} seconds`,
  );
}
