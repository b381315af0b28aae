// `wardkey hsm`: is anything wrong with the clusters of AWS CloudHSM, and how does a key store of AWS KMS come to stand on one?
// With the credentials of whoever asks; nothing needs to be deployed.
import { CloudHSMV2Client } from '@aws-sdk/client-cloudhsm-v2';
import { KMSClient } from '@aws-sdk/client-kms';
import type { Command } from 'commander';

import { cloudhsmFleet } from '../../shared/aws/cloudhsm-fleet.ts';
import { kmsKeyStores } from '../../shared/aws/kms-key-stores.ts';
import { nodeClock } from '../../shared/aws/node-clock.ts';
import { diagnose, type Finding } from '../../shared/governance/hsm-health.ts';
import { surveyHsm, type HsmWorld } from '../../shared/governance/hsm-survey.ts';
import {
  checkPreconditions,
  findStore,
  questionsFor,
  type KeyStoreFacts,
  type KeyStoreOrder,
  type Precondition,
  type Question,
} from '../../shared/governance/key-store-plan.ts';
import { answering } from '../command.ts';
import { readText } from '../files.ts';
import { connectKeyStore } from '../hsm/connect-key-store.ts';
import { readPassword } from '../hsm/password.ts';
import { findPlace } from '../place.ts';
import { colour, plain, table, type Answer, type Terminal } from '../terminal.ts';

export function addHsmCommands(program: Command): void {
  const hsm = program.command('hsm').description('clusters of AWS CloudHSM and the key stores of AWS KMS on them');
  addDoctor(hsm);
  addConnect(hsm);
}

interface RegionOptions {
  readonly region?: string;
}

function addDoctor(hsm: Command): void {
  const doctor = hsm.command('doctor').description('say what is wrong, and which article of the runbook helps');
  doctor.option('--cluster <id>', 'this cluster and its key stores (default: all of the Region)');
  answering<RegionOptions & { cluster?: string }>(withRegion(doctor), async (_args, options, terminal) => {
    const { world } = await findWorld(options, terminal);
    const survey = await terminal.step('asking AWS CloudHSM and AWS KMS', () => surveyHsm(world, options.cluster));
    const findings = diagnose(survey, nodeClock.now());
    const json = { outcome: findings.length === 0 ? 'well' : 'wrong', findings };
    return { ok: findings.length === 0, json, text: describeFindings(findings) };
  });
}

function describeFindings(findings: readonly Finding[]): string {
  if (findings.length === 0) return `${colour('green', 'well')}: nothing is wrong that AWS could tell of`;
  const rows = findings.map(({ severity, subject, code, sentence, article }) => [
    { styled: colour(severity === 'broken' ? 'red' : 'yellow', severity) },
    subject,
    `${code}: ${sentence}`,
    `infra/README.md#${article}`,
  ]);
  return table(['', 'what', 'finding', 'article'], rows);
}

interface ConnectOptions extends RegionOptions {
  readonly cluster: string;
  readonly name: string;
  readonly trustAnchor: string;
  readonly passwordFile?: string;
  readonly passwordChanged?: true;
  readonly yes?: true;
}

function addConnect(hsm: Command): void {
  const connect = hsm
    .command('connect-key-store')
    .description('make a key store of AWS KMS on a cluster and connect it; looks only, unless --yes')
    .requiredOption('--cluster <id>', 'the CloudHSM cluster')
    .requiredOption('--name <name>', 'of the key store; it stands in CloudTrail in plain text')
    .requiredOption('--trust-anchor <file>', 'customerCA.crt, with which the cluster was initialised')
    .option('--password-file <file>', 'password of kmsuser (default: asked on the terminal)')
    .option('--password-changed', 'the password was set anew in the cluster: tell KMS before it connects')
    .option('--yes', 'do it; what only a person can look at was looked at')
    .addHelpText('after', '\nRun it again after a kill or a failure: it goes on from what is there.');
  answering<ConnectOptions>(withRegion(connect), async (_args, options, terminal) => {
    const { world, region } = await findWorld(options, terminal);
    const { cluster: clusterId, name, passwordChanged = false } = options;
    // A password that KMS would not take is told before anything is asked.
    if (options.passwordFile !== undefined) await readPassword(options.passwordFile);
    const order = { name, clusterId, region, passwordChanged, trustAnchor: readText(options.trustAnchor) };
    const facts = await terminal.step('asking AWS CloudHSM and AWS KMS', () => askFacts(world));
    const checks = checkPreconditions(order, facts);
    if (checks.some(({ problem }) => problem !== undefined)) return describeRefusal(checks);
    if (options.yes !== true) return describePlan(order, facts, checks);
    return connectNow(order, world, { terminal, passwordFile: options.passwordFile });
  });
}

async function askFacts({ fleet, keyStores }: HsmWorld): Promise<KeyStoreFacts> {
  const [clusters, stores] = await Promise.all([fleet.clusters(), keyStores.list()]);
  return { clusters, keyStores: stores };
}

interface ConnectWishes {
  readonly terminal: Terminal;
  readonly passwordFile: string | undefined;
}

async function connectNow(order: KeyStoreOrder, { keyStores }: HsmWorld, wishes: ConnectWishes): Promise<Answer> {
  const { terminal, passwordFile } = wishes;
  const password = () => readPassword(passwordFile);
  const outcome = await connectKeyStore(order, { keyStores, terminal, password, clock: nodeClock });
  if (outcome.result === 'connected') {
    const text = `${colour('green', 'connected')}: key store ${outcome.keyStore} "${plain(order.name)}" on ${order.clusterId}`;
    return { ok: true, json: outcome, text };
  }
  const { code, happened, toDo } = outcome;
  const text = `${colour('red', 'failed')}: ${plain(code)}: ${plain(happened)}\n${toDo}\n${ARTICLE}`;
  return { ok: false, json: { ...outcome, article: 'key-store-failed' }, text };
}

function describeRefusal(checks: readonly Precondition[]): Answer {
  const text = `${describeChecks(checks)}\n${colour('red', 'refused')}: nothing was changed\n${ARTICLE}`;
  return { ok: false, json: { outcome: 'refused', checks }, text };
}

function describePlan(order: KeyStoreOrder, facts: KeyStoreFacts, checks: readonly Precondition[]): Answer {
  const cluster = facts.clusters.find(({ id }) => id === order.clusterId);
  const questions = cluster === undefined ? [] : questionsFor(cluster);
  const store = findStore(order, facts.keyStores);
  const plan = store === undefined ? ['create', 'connect'] : [`go on with ${store.id}, which is ${store.connection}`];
  const text = [
    describeChecks(checks),
    'What AWS does not say, look at yourself:',
    ...questions.map(describeQuestion),
    `would ${plan.join(' and ')}; KMS then changes the password of kmsuser and stays logged in as it. Add --yes to do it`,
  ].join('\n');
  return { ok: true, json: { outcome: 'planned', checks, questions, plan }, text };
}

function describeChecks(checks: readonly Precondition[]): string {
  const row = ({ title, problem }: Precondition) =>
    problem === undefined
      ? `  ${colour('green', '✓')} ${title}`
      : `  ${colour('red', '✗')} ${title}: ${plain(problem)}`;
  return checks.map(row).join('\n');
}

function describeQuestion({ question, command }: Question): string {
  return `  ? ${plain(question)}\n      ${plain(command)}`;
}

function withRegion(command: Command): Command {
  return command.option('--region <region>', 'AWS Region (default: AWS_REGION)');
}

async function findWorld(options: RegionOptions, terminal: Terminal) {
  const { config } = await findPlace({ prefix: '', ...options }, terminal);
  const kms = new KMSClient(config);
  // The CloudHSM client is of 2023 and knows fewer ways to credentials: it takes those of the other.
  const cloudhsm = new CloudHSMV2Client({ ...config, credentials: kms.config.credentials });
  return { world: { fleet: cloudhsmFleet(cloudhsm), keyStores: kmsKeyStores(kms) }, region: config.region };
}

const ARTICLE = 'See infra/README.md#key-store-failed';
