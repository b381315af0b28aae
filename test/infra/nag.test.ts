// Do the rule packs find nothing, is every accepted finding explained, and would an open finding stop the synth?
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Validations } from 'aws-cdk-lib';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { afterEach, expect, test, vi } from 'vitest';

import { buildDeployment, type Deployment } from '../../infra/deployment.ts';
import { ACCOUNT, createApp, synthesise } from './synth.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

test.each([{}, { stage: 'local' }, { account: undefined }, { hsm: 'true' }])(
  'the rule packs find nothing open with %j',
  (parameters) => {
    expect(packsThatFail(parameters, () => undefined)).toEqual([]);
  },
);

test('an open finding of AwsSolutions stops the synth', () => {
  expect(packsThatFail({}, ({ service }) => new Queue(service, 'Open'))).toEqual(['AwsSolutions']);
});

test('an open finding of HIPAA.Security or NIST.800-53.R5 stops the synth', () => {
  const packs = packsThatFail({}, ({ trust }) => new LogGroup(trust, 'Open'));
  expect(packs.toSorted()).toEqual(['HIPAA.Security', 'NIST.800.53.R5']);
});

test('every accepted finding has a reason, and none is accepted for a whole stack', () => {
  const { trust, service } = synthesise();
  const constructs = [trust, service].flatMap((stack) => stack.node.findAll());
  const accepted = constructs.flatMap((construct) =>
    construct.node.metadata
      .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
      .flatMap(({ data }) => Object.entries(data as Record<string, string>))
      .map(([id, reason]) => ({ at: construct.node.path, id, reason })),
  );
  expect(accepted.length).toBeGreaterThan(10);
  for (const { at, id, reason } of accepted) {
    expect(JSON.stringify(reason).length, `${at} ${id}`).toBeGreaterThan(40);
    expect(at).toContain('/');
  }
});

/** Names of the packs that stopped the synth after `change`; the report goes to the console only when it is not us. */
function packsThatFail(parameters: object, change: (deployment: Deployment) => unknown): readonly string[] {
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  vi.spyOn(console, 'error').mockReturnValue();
  const app = createApp({ account: ACCOUNT, ...parameters });
  change(buildDeployment(app, {}));
  try {
    app.synth();
    return [];
  } catch (error) {
    expect((error as Error).message).toContain('validation-report.json');
    const report = JSON.parse(readFileSync(join(app.outdir, 'validation-report.json'), 'utf8')) as Report;
    return report.pluginReports
      .filter(({ conclusion }) => conclusion === 'failure')
      .map(({ pluginName }) => pluginName);
  }
}

interface Report {
  readonly pluginReports: readonly { readonly pluginName: string; readonly conclusion: string }[];
}
