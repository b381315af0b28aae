// `wardkey device run`: be one device. Connect, rotate to an operational certificate, renew it; one line for each event.
import { type Command } from 'commander';
import { setTimeout } from 'node:timers/promises';

import { openAgent, type AgentOptions } from '../../device/agent.ts';
import { throughPort443, type Broker } from '../../device/connect.ts';
import { nodeDisk } from '../../device/disk.ts';
import type { ReportedEvent } from '../../device/events.ts';
import { openIdentityStore, type IdentityStore } from '../../device/identity-store.ts';
import { parseDeviceId } from '../../shared/identity/device-id.ts';
import { withPlace, type PlaceOptions } from '../command.ts';
import { findBroker } from '../endpoint.ts';
import { readText } from '../files.ts';
import { findPlace } from '../place.ts';
import { colour, dim, openTerminal, plain, UsageError, type Terminal } from '../terminal.ts';

export interface RunOptions extends PlaceOptions {
  readonly id: string;
  readonly factoryCert: string;
  readonly factoryKey: string;
  readonly endpoint?: string;
  readonly host?: string;
  readonly port?: string;
  readonly ca?: string;
  readonly alpn443?: true;
  readonly once?: true;
  readonly json?: true;
}

export function addRun(device: Command): void {
  const run = device
    .command('run')
    .description('be a device: connect, rotate to an operational certificate, renew it, until Ctrl-C');
  run.argument('<folder>', 'where it keeps its operational identity').requiredOption('--id <thing>', 'device id');
  run.requiredOption('--factory-cert <file>', 'PEM').requiredOption('--factory-key <file>', 'PEM');
  run.option('--endpoint <name>', 'broker endpoint (default: the one of the account)').option('--ca <file>', 'PEM');
  run.option('--host <name>', 'where to connect to (default: the endpoint)').option('--port <number>');
  run.option('--alpn443', 'through port 443').option('--once', 'end when it is operational and confirmed');
  withPlace(run.option('--json', 'print one JSON document a line')).action(
    async (folder: string, options: RunOptions) => {
      const broker = await brokerOf(options, openTerminal(options.json === true));
      const stop = new AbortController();
      // Through a launcher Ctrl-C comes twice; the second must not end it before it has said goodbye.
      for (const signal of ['SIGINT', 'SIGTERM'] as const)
        process.on(signal, () => {
          stop.abort();
        });
      await runDevice(openStore(folder, options), { ...EDGE, broker, options, stop });
    },
  );
}

export interface Running extends Pick<AgentOptions, 'broker' | 'clock' | 'random' | 'pause'> {
  readonly options: Pick<RunOptions, 'once' | 'json'>;
  readonly print: (line: string) => void;
  /** Ends it cleanly. */
  readonly stop: AbortController;
}

/** Returns when it was told to stop; with `once`, when the device is operational. */
export async function runDevice(store: IdentityStore, { options, print, stop, ...edge }: Running): Promise<void> {
  const report = (event: ReportedEvent) => {
    print(options.json === true ? JSON.stringify(event) : describeEvent(event));
    if (options.once === true && event.event === 'operational') stop.abort();
  };
  await openAgent({ ...edge, store, report }).run(stop.signal);
}

/** A device in the field has no AWS account: with --endpoint nobody is asked. */
export async function brokerOf(options: RunOptions, terminal: Terminal): Promise<Broker> {
  const { endpoint, host, ca, alpn443 } = options;
  const found =
    endpoint !== undefined && options.local !== true
      ? await findBroker(
          { prefix: options.prefix, config: { region: '' } },
          { endpoint, ...(ca === undefined ? {} : { ca }) },
        )
      : await findBroker(await findPlace(options, terminal), options);
  const broker = { ...found, ...(host === undefined ? {} : { host }) };
  if (alpn443 !== true) return { ...broker, port: portOf(options.port) ?? broker.port };
  if (options.port !== undefined) throw new UsageError('expected --alpn443 or --port, and not both');
  return throughPort443(broker);
}

export function openStore(folder: string, { id, factoryCert, factoryKey }: RunOptions): IdentityStore {
  const device = parseDeviceId(id);
  if (device.outcome === 'refused') throw new UsageError(`--id: expected 1 to 64 A-Z a-z 0-9 _ -, got "${plain(id)}"`);
  const factory = { id, certificate: readText(factoryCert), key: readText(factoryKey) };
  return openIdentityStore(folder, factory, nodeDisk);
}

/** The time, the event, and what it says. */
export function describeEvent({ at, event, ...said }: ReportedEvent): string {
  const words = Object.entries(said).map(([name, value]) => `${dim(`${name}=`)}${plain(String(value))}`);
  const tone = TONES[event];
  return [dim(at), tone === undefined ? event : colour(tone, event), ...words].join(' ');
}

function portOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new UsageError(`--port: expected 1 to 65535, got "${plain(text)}"`);
  return port;
}

const EDGE = {
  clock: { now: () => new Date().toISOString() },
  random: () => Math.random(),
  pause: (milliseconds: number, signal: AbortSignal) =>
    setTimeout(milliseconds, undefined, { signal }).catch(() => undefined),
  print: (line: string) => void process.stdout.write(`${line}\n`),
};

const TONES: Partial<Record<ReportedEvent['event'], 'green' | 'red' | 'yellow'>> = {
  accepted: 'green',
  confirmed: 'green',
  operational: 'green',
  closed: 'yellow',
  turning: 'yellow',
  unreachable: 'yellow',
  lost: 'yellow',
  distrusted: 'red',
  rejected: 'red',
  failed: 'red',
};
