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
  const root = trust
    .command('root')
    .description('end certificate chains at this CA; its devices are registered one by one');
  acting(root.argument('<manufacturer>').argument('<file>', 'certificate, PEM'), anchor('add-root'));
  const voucher = trust.command('voucher-key').description('accept ownership vouchers that begin with this key');
  acting(voucher.argument('<manufacturer>').argument('<file>', 'certificate, PEM'), anchor('add-voucher-key'));
  const lot = trust
    .command('lot')
    .description('agree a lot with a manufacturer: how many devices it may list, and which');
  lot.argument('<manufacturer>').argument('<lot>').requiredOption('--product <product>');
  lot
    .requiredOption('--count <number>', 'the surplus of a delivery is held')
    .option('--first <serial>')
    .option('--last <serial>');
  acting(lot, agreeLot);
}

interface LotOptions {
  readonly product: string;
  readonly count: string;
  readonly first?: string;
  readonly last?: string;
}

function agreeLot([manufacturer = '', lot = '']: readonly string[], options: Partial<LotOptions>): Json {
  const { product = '', count = '', first, last } = options;
  if (!/^[1-9]\d{0,6}$/.test(count)) throw new UsageError(`--count "${count}": expected a whole number from 1 on`);
  const terms = { kind: 'add-lot', manufacturer, lot, product, count: Number(count) };
  if (first === undefined && last === undefined) return terms;
  if (first === undefined || last === undefined) throw new UsageError('expected --first and --last together');
  return { ...terms, serials: { first, last } };
}

function anchor(kind: 'add-authority' | 'add-root' | 'add-signer' | 'add-voucher-key') {
  return ([manufacturer = '', file = '']: readonly string[]): Json => ({
    kind,
    manufacturer,
    certificate: readText(file),
  });
}

type Act = (args: readonly string[], options: PlaceOptions & Partial<LotOptions>) => Json;

function acting(command: Command, act: Act): void {
  answering<PlaceOptions & Partial<LotOptions>>(withPlace(command), async (args, options, terminal) => {
    const wanted = act(args, options);
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
