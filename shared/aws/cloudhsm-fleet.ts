// Clusters and backups of AWS CloudHSM. Decides nothing. The newest client that the registry has is of 2023 and drops members
// that are newer, such as a cluster's mode: answers are read here as they come over the wire, and strictly.
import { Readable } from 'node:stream';

import {
  DescribeBackupsCommand,
  DescribeClustersCommand,
  type CloudHSMV2Client,
  type DescribeClustersCommandInput,
} from '@aws-sdk/client-cloudhsm-v2';

import { parseJson } from '../json.ts';
import { Fault } from '../outcome.ts';
import type { Hsm, HsmBackup, HsmCluster, HsmFleet } from '../ports.ts';

export function cloudhsmFleet(client: CloudHSMV2Client): HsmFleet {
  return {
    clusters: () => {
      const ask = (page: Page) => send(new DescribeClustersCommand(page), (command) => client.send(command));
      return readPages('Clusters', readCluster, ask);
    },
    backups: (clusterId) => {
      const Filters = { clusterIds: [clusterId], states: ['CREATE_IN_PROGRESS', 'READY', 'PENDING_DELETION'] };
      const ask = (page: Page) =>
        send(new DescribeBackupsCommand({ Filters, ...page }), (command) => client.send(command));
      return readPages('Backups', readBackup, ask);
    },
  };
}

type Page = Pick<DescribeClustersCommandInput, 'NextToken'>;
type Members = Readonly<Record<string, unknown>>;

/** https://docs.aws.amazon.com/cloudhsm/latest/APIReference/API_Operations.html: pages until one names no next. */
async function readPages<T>(
  name: string,
  read: (item: Members) => T,
  ask: (page: Page) => Promise<Members>,
): Promise<readonly T[]> {
  const items: T[] = [];
  for (let token: string | undefined, pages = 0; ; pages += 1) {
    // An answer that names itself as the next would be asked for without end.
    if (pages === MOST_PAGES) throw malformed(`${name}: more than ${MOST_PAGES} pages`);
    const answer = await ask(token === undefined ? {} : { NextToken: token });
    items.push(...listOf(answer, name).map(read));
    token = optionalText(answer, 'NextToken');
    if (token === undefined) return items;
  }
}

function readCluster(cluster: Members): HsmCluster {
  return {
    id: text(cluster, 'ClusterId'),
    status: text(cluster, 'State'),
    hsmType: text(cluster, 'HsmType'),
    mode: optionalText(cluster, 'Mode'),
    retentionDays: readRetention(cluster),
    subnets: readSubnets(membersOf(cluster, 'SubnetMapping')),
    securityGroup: optionalText(cluster, 'SecurityGroup'),
    certificate: optionalText(membersOf(cluster, 'Certificates'), 'ClusterCertificate'),
    hsms: listOf(cluster, 'Hsms').map(readHsm),
  };
}

function readSubnets(mapping: Members): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.keys(mapping).map((zone) => [zone, text(mapping, zone)]));
}

function readHsm(hsm: Members): Hsm {
  return { id: text(hsm, 'HsmId'), status: text(hsm, 'State'), zone: optionalText(hsm, 'AvailabilityZone') };
}

function readBackup(backup: Members): HsmBackup {
  const [createdAt, goneAt] = [time(backup, 'CreateTimestamp'), time(backup, 'DeleteTimestamp')];
  if (createdAt === undefined) throw malformed('Backups: expected "CreateTimestamp"');
  return { id: text(backup, 'BackupId'), status: text(backup, 'BackupState'), createdAt, goneAt };
}

/** BackupRetentionPolicy { Type: DAYS, Value: "7" to "379" }. */
function readRetention(cluster: Members): number | undefined {
  const { Type, Value } = membersOf(cluster, 'BackupRetentionPolicy');
  if (Type === undefined && Value === undefined) return undefined;
  if (Type === 'DAYS' && typeof Value === 'string' && /^\d{1,4}$/.test(Value)) return Number(Value);
  throw malformed('Clusters: expected a "BackupRetentionPolicy" in days');
}

/** The answer as it came. Refusals and faults of the service are thrown by the client as it knows them. */
async function send<C extends { readonly middlewareStack: unknown }>(
  command: C,
  ask: (command: C) => Promise<unknown>,
): Promise<Members> {
  let body = '';
  // Innermost: between the network and the client's own reader, which is left with errors alone.
  const keep: Middleware = (next) => async (args) => {
    const answer = await next(args);
    if (answer.response.statusCode >= 300) return answer;
    body = (await readAll(answer.response.body)).toString('utf8');
    answer.response.body = Readable.from([Buffer.from('{}')]);
    return answer;
  };
  (command.middlewareStack as Stack).add(keep, { step: 'deserialize', priority: 'low', name: 'keepBody' });
  await ask(command);
  return members(parseJson(body), 'an answer');
}

interface Answer {
  readonly response: { readonly statusCode: number; body: AsyncIterable<Uint8Array> };
}

type Handler = (args: object) => Promise<Answer>;
type Middleware = (next: Handler) => Handler;

/** As much of the client's stack of middleware as is used here. */
interface Stack {
  add(middleware: Middleware, options: { step: 'deserialize'; priority: 'low'; name: string }): void;
}

async function readAll(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return Buffer.concat(parts);
}

function text(of: Members, name: string): string {
  const value = optionalText(of, name);
  if (value === undefined) throw malformed(`expected "${name}"`);
  return value;
}

function optionalText(of: Members, name: string): string | undefined {
  const value = of[name] ?? undefined;
  if (value === undefined || (typeof value === 'string' && value !== '')) return value;
  throw malformed(`expected text in "${name}"`);
}

/** Seconds since 1970, with fractions. */
function time(of: Members, name: string): string | undefined {
  const seconds = of[name] ?? undefined;
  if (seconds === undefined) return undefined;
  if (typeof seconds === 'number' && Math.abs(seconds) < LATEST_SECONDS) return new Date(seconds * 1000).toISOString();
  throw malformed(`expected seconds in "${name}"`);
}

/** None where the service leaves the member out. */
function listOf(of: Members, name: string): readonly Members[] {
  const value = of[name] ?? [];
  if (!Array.isArray(value)) throw malformed(`expected a list in "${name}"`);
  return value.map((item) => members(item, `an item of "${name}"`));
}

function membersOf(of: Members, name: string): Members {
  return members(of[name] ?? {}, `"${name}"`);
}

function members(value: unknown, what: string): Members {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Members;
  throw malformed(`expected members in ${what}`);
}

function malformed(problem: string): Fault {
  return new Fault('answer-malformed', `AWS CloudHSM: ${problem}`);
}

const MOST_PAGES = 200;
/** The last moment that a Date holds. */
const LATEST_SECONDS = 8.64e12;
