// `wardkey trust`: owners, manufacturer authorities and manifest signers of a deployment.
import { Option, type Command } from 'commander';

import type { Json } from '../../shared/canonical.ts';
import type { TrustChange } from '../../shared/governance/changes.ts';
import { parsePemCertificate } from '../../shared/identity/certificate.ts';
import { answering, withPlace, type PlaceOptions } from '../command.ts';
import { readRevocationList, readText } from '../files.ts';
import { findDeployment, type Deployment } from '../deployment.ts';
import { describeRefusal, performAct } from '../invoke.ts';
import { findPlace } from '../place.ts';
import { UsageError, type Answer } from '../terminal.ts';

export function addTrustCommands(program: Command): void {
  const trust = program.command('trust').description('whom a deployment trusts, and for what');
  const owner = trust.command('owner').description('know an owner').argument('<owner>', '2 to 32 a-z 0-9 -');
  acting(owner, ([id = '']) => ({ kind: 'add-owner', owner: id }));
  addOwnerWishes(trust);
  const authority = trust.command('authority').description('register a manufacturer CA (SNI_ONLY, auto-registration)');
  authority.argument('<manufacturer>').argument('<file>', 'certificate, PEM');
  acting(authority.option('--crl-required', CRL_REQUIRED), anchor('add-authority'));
  const signer = trust.command('signer').description('accept manifests signed by this certificate');
  acting(signer.argument('<manufacturer>').argument('<file>', 'certificate, PEM'), anchor('add-signer'));
  const root = trust
    .command('root')
    .description('end certificate chains at this CA; its devices are registered one by one');
  root.argument('<manufacturer>').argument('<file>', 'certificate, PEM');
  acting(root.option('--crl-required', CRL_REQUIRED), anchor('add-root'));
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
  const list = trust
    .command('crl')
    .description('take in a revocation list of a manufacturer: no first connect of what it names');
  list.argument('<manufacturer>').argument('<file>', 'the list, DER or PEM');
  list.option(
    '--issuers <file>',
    'PEM certificates from its issuer up to a trusted CA, when that CA did not sign the list',
  );
  acting(list, takeRevocationList);
  const breaker = trust.command('breaker').description('whether the broker takes in new certificates of a CA');
  for (const [name, kind, says] of MOVES) {
    const move = breaker
      .command(name)
      .description(says)
      .requiredOption('--authority <file>', 'certificate of the CA, PEM');
    acting(move, (_args, { authority = '' }) => ({ kind, authority: fingerprintOf(readText(authority)) }));
  }
}

function addOwnerWishes(trust: Command): void {
  const wishes = trust
    .command('owner-wishes')
    .description('what an owner wishes where a key seems copied, or a certificate ended in storage');
  wishes.argument('<owner>');
  wishes.addOption(
    new Option(
      '--on-clone <wish>',
      'a key seems to be in two places: ring an alarm, or quarantine the device as well',
    ).choices(['alarm', 'restrict', 'cut']),
  );
  wishes.addOption(
    new Option('--on-expiry <wish>', 'its certificate ended in storage: may that of its factory begin anew?').choices([
      'refuse',
      'reset',
    ]),
  );
  acting(wishes, ([owner = ''], { onClone, onExpiry }) => {
    if (onClone === undefined && onExpiry === undefined)
      throw new UsageError('expected --on-clone, --on-expiry, or both: what is not said stays as it is');
    const wished = { ...(onClone === undefined ? {} : { onClone }), ...(onExpiry === undefined ? {} : { onExpiry }) };
    return { kind: 'set-owner-wishes', owner, ...wished };
  });
}

function takeRevocationList([manufacturer = '', file = '']: readonly string[], { issuers }: ActOptions): Json {
  const list = readRevocationList(file).toString('base64');
  const act = { kind: 'add-revocation-list', manufacturer, list };
  return issuers === undefined ? act : { ...act, issuers: readText(issuers) };
}

function fingerprintOf(pem: string): string {
  const certificate = parsePemCertificate(pem);
  if (certificate.outcome === 'done') return certificate.value.fingerprint;
  throw new UsageError(`--authority: ${describeRefusal(certificate.refusal)}`);
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
  return ([manufacturer = '', file = '']: readonly string[], { crlRequired }: ActOptions): Json => {
    const act = { kind, manufacturer, certificate: readText(file) };
    return crlRequired === true ? { ...act, revocation: 'required' } : act;
  };
}

interface ActOptions extends PlaceOptions, Partial<LotOptions> {
  readonly crlRequired?: true;
  readonly issuers?: string;
  readonly authority?: string;
  readonly onClone?: string;
  readonly onExpiry?: string;
}

type Act = (args: readonly string[], options: ActOptions) => Json;

function acting(command: Command, act: Act): void {
  answering<ActOptions>(withPlace(command), async (args, options, terminal) => {
    const wanted = act(args, options);
    return changeTrust(await findDeployment(await findPlace(options, terminal)), wanted);
  });
}

async function changeTrust(deployment: Deployment, act: Json): Promise<Answer> {
  const outcome = await performAct<TrustChange>(deployment, 'change-trust', act);
  if (outcome.outcome === 'refused') return { ok: false, json: outcome, text: describeRefusal(outcome.refusal) };
  const { result, fingerprint, revoked } = outcome.value;
  const about = revoked === undefined ? 'certificate' : `${revoked} certificates revoked by list`;
  return { ok: true, json: outcome, text: fingerprint === undefined ? result : `${result}: ${about} ${fingerprint}` };
}

const CRL_REQUIRED = 'admit devices only while every issuer below this CA has a current revocation list here';
const MOVES = [
  ['open', 'open-breaker', 'take in no new certificate of this CA; devices that are admitted go on'],
  ['close', 'close-breaker', 'take in new certificates of this CA again'],
] as const;
