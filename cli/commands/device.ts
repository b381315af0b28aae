// `wardkey device`: claim devices for an owner, show a device's dossier, connect as one or be one.
import { Option, type Command } from 'commander';

import { connectOnce } from '../../device/connect.ts';
import type { Json } from '../../shared/canonical.ts';
import type { Dossier } from '../../shared/governance/dossier.ts';
import type { StandingChange } from '../../shared/governance/changes.ts';
import { STANDING_CAUSES } from '../../shared/lifecycle.ts';
import { claimDevices } from '../claim.ts';
import { answering, withPlace, type PlaceOptions } from '../command.ts';
import { findDeployment } from '../deployment.ts';
import { readText } from '../files.ts';
import { describeDossier } from '../dossier.ts';
import { findBroker } from '../endpoint.ts';
import { describeRefusal, invoke, performAct } from '../invoke.ts';
import { findPlace } from '../place.ts';
import { readListedDevices } from '../manifest.ts';
import { colour, table, UsageError } from '../terminal.ts';
import { addRun } from './device-run.ts';

export function addDeviceCommands(program: Command): void {
  const device = program
    .command('device')
    .description('one device: its owner, its standing, its dossier, its connection');
  addClaim(device);
  addShow(device);
  addStanding(device);
  addConnect(device);
  addRun(device);
}

function addClaim(device: Command): void {
  const claim = device.command('claim').description('name the owner of listed devices that came without vouchers');
  claim.argument('[device...]').requiredOption('--owner <owner>');
  claim.option('--manifest <folder/file>', 'all devices that this delivery listed, by its report (acme/lot-7.jsonl)');
  answering<PlaceOptions & ClaimOptions>(withPlace(claim), async (named, options, terminal) => {
    if (named.length > 0 === (options.manifest !== undefined)) {
      throw new UsageError('expected device ids or --manifest, and not both');
    }
    const deployment = await findDeployment(await findPlace(options, terminal));
    const devices = options.manifest === undefined ? named : await readListedDevices(deployment, options.manifest);
    const { owner } = options;
    const title = `claiming ${devices.length} devices for ${owner}`;
    const outcome = await terminal.step(title, (note) => claimDevices(deployment, { owner, devices }, note));
    if (outcome.outcome === 'refused') return { ok: false, json: outcome, text: describeRefusal(outcome.refusal) };
    const rows = outcome.value.map(({ device: id, result, refusal }) => [id, result, refusal?.reason ?? '']);
    const ok = outcome.value.every(({ result }) => result !== 'refused');
    return { ok, json: outcome, text: table(['device', 'result', 'reason'], rows) };
  });
}

function addShow(device: Command): void {
  const show = device.command('show').description('the dossier of a device: listing, state, decisions');
  show.argument('<id>', 'device id, or the SHA-256 of a certificate that was refused');
  answering<PlaceOptions>(withPlace(show), async ([subject = ''], options, terminal) => {
    const deployment = await findDeployment(await findPlace(options, terminal));
    const outcome = await invoke<Dossier>(deployment, 'show-device', { subject });
    if (outcome.outcome === 'refused') return { ok: false, json: outcome, text: describeRefusal(outcome.refusal) };
    return { ok: true, json: outcome.value, text: describeDossier(outcome.value) };
  });
}

function addStanding(device: Command): void {
  const quarantine = device.command('quarantine').description('under suspicion: no new certificates and keys for it');
  quarantine.argument('<id>').addOption(causeOption());
  quarantine.addOption(
    new Option('--level <level>', 'restricted: may go on publishing; cut: the broker closes it')
      .choices(['restricted', 'cut'])
      .makeOptionMandatory(),
  );
  standing(quarantine, (id, { level, cause }) => ({ kind: 'quarantine', device: id, level: level ?? '', cause }));

  const deny = device.command('deny').description('never again: its certificate is revoked, and nothing undoes this');
  standing(deny.argument('<id>').addOption(causeOption()), (id, { cause }) => ({ kind: 'deny', device: id, cause }));
}

function addConnect(device: Command): void {
  const connect = device
    .command('connect')
    .description('connect once, as the device whose certificate and key are given');
  connect.argument('<id>').requiredOption('--certificate <file>', 'PEM').requiredOption('--key <file>', 'PEM');
  connect.option('--endpoint <name>', 'broker endpoint (default: the one of the account)').option('--ca <file>', 'PEM');
  answering<PlaceOptions & ConnectOptions>(withPlace(connect), async ([id = ''], options, terminal) => {
    const broker = await findBroker(await findPlace(options, terminal), options);
    const identity = {
      id,
      certificate: readText(options.certificate),
      key: readText(options.key),
    };
    const connection = await connectOnce(broker, identity);
    if (connection.outcome === 'closed')
      return { ok: false, json: connection, text: `closed by the broker: ${connection.problem}` };
    await connection.session.close();
    return { ok: true, json: { outcome: 'accepted' }, text: colour('green', 'accepted') };
  });
}

interface StandingOptions extends PlaceOptions {
  readonly cause: string;
  readonly level?: string;
}

function causeOption(): Option {
  return new Option('--cause <cause>', 'why, in a word').choices([...STANDING_CAUSES]).makeOptionMandatory();
}

function standing(command: Command, act: (id: string, options: StandingOptions) => Json): void {
  answering<StandingOptions>(withPlace(command), async ([id = ''], options, terminal) => {
    const deployment = await findDeployment(await findPlace(options, terminal));
    const outcome = await performAct<StandingChange>(deployment, 'change-standing', act(id, options));
    if (outcome.outcome === 'refused') return { ok: false, json: outcome, text: describeRefusal(outcome.refusal) };
    const { result, state } = outcome.value;
    const ends =
      result === 'changed' ? '\nIt ended for Wardkey now; the broker follows, as a rule within a minute.' : '';
    return { ok: true, json: outcome, text: `${result}: ${id} is ${state}${ends}` };
  });
}

interface ClaimOptions {
  readonly owner: string;
  readonly manifest?: string;
}

interface ConnectOptions {
  readonly certificate: string;
  readonly key: string;
  readonly endpoint?: string;
  readonly ca?: string;
}
