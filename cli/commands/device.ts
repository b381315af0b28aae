// `wardkey device`: claim devices for an owner, show a device's dossier, connect as one or be one.
import type { Command } from 'commander';

import { connectOnce } from '../../device/connect.ts';
import type { Dossier } from '../../shared/governance/dossier.ts';
import { claimDevices } from '../claim.ts';
import { answering, withPlace, type PlaceOptions } from '../command.ts';
import { findDeployment } from '../deployment.ts';
import { readText } from '../files.ts';
import { describeDossier } from '../dossier.ts';
import { findBroker } from '../endpoint.ts';
import { describeRefusal, invoke } from '../invoke.ts';
import { findPlace } from '../place.ts';
import { readListedDevices } from '../manifest.ts';
import { colour, table, UsageError } from '../terminal.ts';
import { addRun } from './device-run.ts';
import { addStanding } from './device-standing.ts';

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
