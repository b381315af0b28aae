// `wardkey approval`: what one person may not do alone. The first requests, another approves what was shown.
import type { Command } from 'commander';

import type { Json } from '../../shared/canonical.ts';
import type { ApprovalShown } from '../../shared/governance/approval-shown.ts';
import { describeApproval } from '../approval.ts';
import { answering, withPlace, type PlaceOptions } from '../command.ts';
import { findDeployment, type Deployment } from '../deployment.ts';
import { describeRefusal, performAct } from '../invoke.ts';
import { findPlace } from '../place.ts';
import type { Answer } from '../terminal.ts';

export function addApprovalCommands(program: Command): void {
  const approval = program.command('approval').description('acts that need two people');
  const release = approval
    .command('request')
    .description('ask for the release of devices that are held beyond their lot');
  answering<PlaceOptions>(withPlace(release.argument('<device...>')), async (devices, options, terminal) =>
    ask(await findDeployment(await findPlace(options, terminal)), { kind: 'request-release', devices }),
  );
  const approve = approval.command('approve').description('approve a request of somebody else');
  approve
    .argument('<approval>')
    .argument('<digest>', 'as the request showed it: it binds the approval to what was asked');
  answering<PlaceOptions>(withPlace(approve), async ([id = '', digest = ''], options, terminal) =>
    ask(await findDeployment(await findPlace(options, terminal)), { kind: 'approve', approval: id, digest }),
  );
}

async function ask(deployment: Deployment, act: Json): Promise<Answer> {
  const outcome = await performAct<ApprovalShown>(deployment, 'approve-act', act);
  if (outcome.outcome === 'refused') return { ok: false, json: outcome, text: describeRefusal(outcome.refusal) };
  return { ok: true, json: outcome.value, text: describeApproval(outcome.value) };
}
