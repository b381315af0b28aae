// `wardkey listing`: what the whitelist remembers of a device, and where it came from.
import type { Command } from 'commander';

import type { Dossier } from '../../shared/governance/dossier.ts';
import { answering, withPlace, type PlaceOptions } from '../command.ts';
import { findDeployment } from '../deployment.ts';
import { describeListing, describeWaiting } from '../dossier.ts';
import { describeRefusal, invoke } from '../invoke.ts';
import { findPlace } from '../place.ts';

export function addListingCommands(program: Command): void {
  const listing = program.command('listing').description('the whitelist');
  const show = listing.command('show').description('one listing with its provenance: manifest, line, signer, time');
  show.argument('<id>', 'device id, or the SHA-256 of its certificate');
  answering<PlaceOptions>(withPlace(show), async ([subject = ''], options, terminal) => {
    const deployment = await findDeployment(await findPlace(options, terminal));
    const outcome = await invoke<Dossier>(deployment, 'show-device', { subject });
    if (outcome.outcome === 'refused') return { ok: false, json: outcome, text: describeRefusal(outcome.refusal) };
    const { listing: found, waiting } = outcome.value;
    if (waiting !== undefined) return { ok: true, json: waiting, text: describeWaiting(waiting) };
    if (found === undefined)
      return { ok: false, json: { outcome: 'not-listed', subject }, text: `"${subject}" is not listed` };
    return { ok: true, json: found, text: describeListing(found) };
  });
}
