// Step `watch-hsm`: every five minutes, is anything wrong with the clusters of AWS CloudHSM, their backups and the key stores of
// KMS on them? Alarms count what is wrong each time; the ledger is told when it changes.
import { diagnose, type Finding } from '../../../shared/governance/hsm-health.ts';
import { surveyHsm, type HsmWorld } from '../../../shared/governance/hsm-survey.ts';
import type { EntryRandomness } from '../../../shared/ledger/entry.ts';
import type { Clock, Registry } from '../../../shared/ports.ts';
import { recordHealth } from './record.ts';

export interface WatchHsmWorld extends HsmWorld {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly random: EntryRandomness;
  readonly requestId: string;
}

export interface HsmHealth {
  readonly findings: readonly Finding[];
  /** Whether the ledger was told: these are other findings than those of the last time. */
  readonly changed: boolean;
}

/** A service that does not answer is a fault, with an alarm of its own: what was not seen is not well. */
export async function watchHsm(world: WatchHsmWorld): Promise<HsmHealth> {
  const survey = await surveyHsm(world);
  const findings = diagnose(survey, world.clock.now());
  return { findings, changed: await recordHealth(findings, world) };
}

/** One line each, which the alarm of its article counts; one line too when all is well. */
export function tellHealth({ findings }: HsmHealth) {
  const [first, ...others] = findings.map(({ code, severity, subject, article }) => ({
    finding: code,
    severity,
    subject,
    article,
  }));
  return first === undefined ? { health: 'well' } : ([first, ...others] as const);
}
