// `wardkey trust`: owners, manufacturer authorities and manifest signers of a deployment.
import type { Command } from 'commander';
import { readFileSync } from 'node:fs';

import type { Json } from '../../shared/canonical.ts';
import { answering, withPlace, type PlaceOptions } from '../command.ts';
import { findDeployment, type Deployment } from '../deployment.ts';
import { describeRefusal, performAct } from '../invoke.ts';
import { findPlace } from '../place.ts';
import { UsageError, type Answer } from '../terminal.ts';

interface TrustChange {
  readonly result: 'changed' | 'unchanged';
  readonly fingerprint?: string;
}

export function addTrustCommands(program: Command): void {
  const trust = program.command('trust').description('whom a deployment trusts, and for what');
  const owner = trust.command('owner').description('know an owner').argument('<owner>', '2 to 32 a-z 0-9 -');
  acting(owner, ([id = '']) => ({ kind: 'add-owner', owner: id }));
  const authority = trust.command('authority').description('register a manufacturer CA (SNI_ONLY, auto-registration)');
  acting(authority.argument('<manufacturer>').argument('<file>', 'certificate, PEM'), anchor('add-authority'));
  const signer = trust.command('signer').description('accept manifests signed by this certificate');
  acting(signer.argument('<manufacturer>').argument('<file>', 'certificate, PEM'), anchor('add-signer'));
}

function anchor(kind: 'add-authority' | 'add-signer') {
  return ([manufacturer = '', file = '']: readonly string[]): Json => ({
    kind,
    manufacturer,
    certificate: readText(file),
  });
}

function acting(command: Command, act: (args: readonly string[]) => Json): void {
  answering<PlaceOptions>(withPlace(command), async (args, options, terminal) => {
    const wanted = act(args);
    return changeTrust(await findDeployment(await findPlace(options, terminal)), wanted);
  });
}

async function changeTrust(deployment: Deployment, act: Json): Promise<Answer> {
  const outcome = await performAct<TrustChange>(deployment, 'change-trust', act);
  if (outcome.outcome === 'refused') return { ok: false, json: outcome, text: describeRefusal(outcome.refusal) };
  const { result, fingerprint } = outcome.value;
  return {
    ok: true,
    json: outcome,
    text: fingerprint === undefined ? result : `${result}: certificate ${fingerprint}`,
  };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`cannot read "${file}": ${error instanceof Error ? error.message : 'unknown'}`);
  }
}
