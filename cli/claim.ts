// How are devices claimed for an owner? A few an act; those of a whole manifest as its report lists them.
import type { Outcome } from '../shared/outcome.ts';
import { MOST_CLAIMS, type ClaimedDevice } from '../shared/whitelist/claim.ts';
import type { Deployment } from './deployment.ts';
import { performAct } from './invoke.ts';

export interface Claim {
  readonly owner: string;
  readonly devices: readonly string[];
}

/** Stops at the first act that is refused as a whole; what was claimed before stays, and a rerun finds it unchanged. */
export async function claimDevices(
  deployment: Deployment,
  { owner, devices }: Claim,
  note: (line: string) => void,
): Promise<Outcome<readonly ClaimedDevice[]>> {
  const answers: ClaimedDevice[] = [];
  for (let from = 0; from < devices.length; from += MOST_CLAIMS) {
    note(`${from} of ${devices.length} devices`);
    const act = { kind: 'claim-devices', owner, devices: devices.slice(from, from + MOST_CLAIMS) };
    const outcome = await performAct<readonly ClaimedDevice[]>(deployment, 'claim-devices', act);
    if (outcome.outcome === 'refused') return outcome;
    answers.push(...outcome.value);
  }
  return { outcome: 'done', value: answers };
}
