// `wardkey demo`: the whole path on this machine, told while it happens.
import type { Command } from 'commander';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { answering } from '../command.ts';
import { bootstrap, deploy, isBootstrapped } from '../demo/cdk.ts';
import { findOperator, OPERATOR } from '../demo/operator.ts';
import type { Row } from '../demo/first-connects.ts';
import { tellStory } from '../demo/story.ts';
import { findDeployment } from '../deployment.ts';
import { findBroker } from '../endpoint.ts';
import { DEFAULT_FOLDER, localUp } from '../local/cloud.ts';
import { placeInLocalCloud } from '../place.ts';
import { colour, table, type Terminal } from '../terminal.ts';

const PREFIX = 'wardkey';
const FOLDER = join(DEFAULT_FOLDER, '..', 'demo');

export function addDemoCommand(program: Command): void {
  const demo = program.command('demo').description('set up the local cloud, deploy, and onboard devices of every kind');
  answering(demo, async (_args, _options, terminal) => {
    const rows = await run(terminal);
    const head = ['device', 'what it is', 'outcome', 'reason', 'decided after'];
    const cells = rows.map(({ device, what, outcome, reason, milliseconds }) => [
      device,
      what,
      { styled: colour(outcome === 'admitted' ? 'green' : 'red', outcome) },
      reason,
      milliseconds === undefined ? '-' : `${(milliseconds / 1000).toFixed(2)} s`,
    ]);
    const more = rows.map(({ device }) => device)[0] ?? '';
    const text = `\n${table(head, cells)}\n\nThe local cloud stays up. Try: npx wardkey device show ${more} --local`;
    return { ok: true, json: { devices: rows }, text };
  });
}

async function run(terminal: Terminal): Promise<readonly Row[]> {
  mkdirSync(FOLDER, { recursive: true, mode: 0o700 });
  terminal.say('Stage');
  const cloud = await terminal.step('the local cloud runs, on loopback only', (note) =>
    localUp({ folder: DEFAULT_FOLDER, progress: note }),
  );
  if (!(await isBootstrapped(cloud))) {
    await terminal.step('the account is bootstrapped for CDK', (note) => bootstrap(cloud, note));
  }
  await terminal.step('the real stacks are deployed by cdk deploy', (note) =>
    deploy(cloud, { prefix: PREFIX, operators: [`user/${OPERATOR}`, 'root'], approvers: ['root'] }, note),
  );
  const root = await findDeployment(placeInLocalCloud(cloud, PREFIX, cloud.credentials));
  const operator = await terminal.step(
    'an operator has the policies of operators and ceremonies, and nothing else',
    () => findOperator(root, join(FOLDER, 'operator.json')),
  );
  const deployment = await findDeployment(placeInLocalCloud(cloud, PREFIX, operator));
  const broker = await findBroker(root.place);
  return tellStory({ deployment, approver: root, broker, folder: FOLDER, terminal });
}
