// `wardkey device quarantine | deny | retire | reset | place | lift`: may this device still be trusted, and where is it?
import { Option, type Command } from 'commander';

import type { Json } from '../../shared/canonical.ts';
import type { ApprovalShown } from '../../shared/governance/approval-shown.ts';
import type { StandingChange } from '../../shared/governance/changes.ts';
import { STANDING_CAUSES, WINDOW_HOURS_MOST } from '../../shared/lifecycle.ts';
import { approveCommand, describeApproval } from '../approval.ts';
import { answering, withPlace, type PlaceOptions } from '../command.ts';
import { findDeployment, type Deployment } from '../deployment.ts';
import { describeRefusal, performAct } from '../invoke.ts';
import { findPlace } from '../place.ts';
import { describeStanding, describeWindow } from '../standing.ts';
import { UsageError, type Answer } from '../terminal.ts';

export function addStanding(device: Command): void {
  addQuarantine(device);
  const deny = device.command('deny').description('never again: its certificate is revoked, and nothing undoes this');
  standing(deny.argument('<id>').addOption(causeOption()), (id, { cause = '' }) => ({
    kind: 'deny',
    device: id,
    cause,
  }));
  const retire = device.command('retire').description('out of use, without suspicion: it ends like a denial, for good');
  standing(retire.argument('<id>').addOption(causeOption()), (id, { cause = '' }) => ({
    ...{ kind: 'retire', device: id, cause },
  }));
  addReset(device);
  const place = device.command('place').description('say on which ward it is; policies may name the ward');
  place.argument('<id>').requiredOption('--ward <code>', 'an opaque code of 1 to 32 A-Z a-z 0-9 _ -, never a name');
  standing(place, (id, { ward = '' }) => ({ kind: 'place', device: id, ward }));
  addLift(device);
}

function addQuarantine(device: Command): void {
  const quarantine = device.command('quarantine').description('under suspicion: no new certificates and keys for it');
  quarantine.argument('<id>').addOption(causeOption());
  quarantine.addOption(
    new Option('--level <level>', 'restricted: may go on publishing; cut: the broker closes it')
      .choices(['restricted', 'cut'])
      .makeOptionMandatory(),
  );
  standing(quarantine, (id, { level = '', cause = '' }) => ({ kind: 'quarantine', device: id, level, cause }));
}

function addReset(device: Command): void {
  const reset = device
    .command('reset')
    .description('open a window in which it may begin anew with the certificate of its factory');
  reset
    .argument('<id>')
    .requiredOption('--hours <number>', `how long the window is open: 1 to ${WINDOW_HOURS_MOST}, for one visit`);
  standing(
    reset,
    (id, { hours = '' }) => ({ kind: 'open-window', device: id, hours: parseHours(hours) }),
    describeWindow,
  );
}

function addLift(device: Command): void {
  const lift = device
    .command('lift')
    .description('ask for the end of its quarantine: an approver asks, and another one approves');
  answering<PlaceOptions>(withPlace(lift.argument('<id>')), async ([id = ''], options, terminal) => {
    const deployment = await findDeployment(await findPlace(options, terminal));
    const act = { kind: 'request-lift', device: id };
    const outcome = await performAct<ApprovalShown>(deployment, 'approve-act', act);
    if (outcome.outcome === 'refused') return { ok: false, json: outcome, text: describeRefusal(outcome.refusal) };
    const text = `${describeApproval(outcome.value)}\nAnother approver looks at the device, and then runs:\n  ${approveCommand(outcome.value, options)}`;
    return { ok: true, json: outcome.value, text };
  });
}

interface StandingOptions extends PlaceOptions {
  readonly cause?: string;
  readonly level?: string;
  readonly hours?: string;
  readonly ward?: string;
}

function causeOption(): Option {
  return new Option('--cause <cause>', 'why, in a word').choices([...STANDING_CAUSES]).makeOptionMandatory();
}

function parseHours(text: string): number {
  const hours = /^[1-9]\d?$/.test(text) ? Number(text) : 0;
  if (hours >= 1 && hours <= WINDOW_HOURS_MOST) return hours;
  throw new UsageError(`--hours "${text}": expected a whole number from 1 to ${WINDOW_HOURS_MOST}`);
}

type Describe = (change: StandingChange, options: StandingOptions) => string;

/** The act is put together first: a slip of the hand is told before anything is asked of AWS. */
function standing(
  command: Command,
  act: (id: string, options: StandingOptions) => Json,
  describe: Describe = describeStanding,
): void {
  answering<StandingOptions>(withPlace(command), async ([id = ''], options, terminal) => {
    const wanted = act(id, options);
    const deployment = await findDeployment(await findPlace(options, terminal));
    return changeStanding(deployment, wanted, (change) => describe(change, options));
  });
}

async function changeStanding(
  deployment: Deployment,
  act: Json,
  describe: (change: StandingChange) => string,
): Promise<Answer> {
  const outcome = await performAct<StandingChange>(deployment, 'change-standing', act);
  if (outcome.outcome === 'refused') return { ok: false, json: outcome, text: describeRefusal(outcome.refusal) };
  return { ok: true, json: outcome, text: describe(outcome.value) };
}
