// Who looks after the clusters of AWS CloudHSM? A function on a schedule, and an alarm for each article of the runbook that it
// may name. Only with `-c hsm=true`.
import { Duration } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';

import { BlueprintFunction, type Service } from './blueprint-function.ts';
import { accept, wildcard } from './nag.ts';
import { APPEND, WRITE } from './permissions.ts';
import { Schedule } from './schedule.ts';

export interface HsmWatchProps {
  readonly service: Service;
}

export class HsmWatch extends Construct {
  constructor(scope: Construct, id: string, { service }: HsmWatchProps) {
    super(scope, id);
    const step = new BlueprintFunction(this, 'WatchHsm', {
      service,
      step: 'watch-hsm',
      impact: 'Nobody looks after the clusters of AWS CloudHSM; what keys do there goes on.',
      tables: { owners: WRITE, ledger: APPEND },
      permissions: [
        new PolicyStatement({
          actions: ['cloudhsm:DescribeClusters', 'cloudhsm:DescribeBackups', 'kms:DescribeCustomKeyStores'],
          resources: ['*'],
        }),
      ],
      timeout: Duration.minutes(1),
      memory: 512,
      concurrency: 1, // one look at a time, so that a change is told once
    });
    accept(step, 'The three calls only look, and AWS knows no resource for them.', [wildcard(this, '*')]);
    new Schedule(this, 'Looks', {
      service,
      target: step.lambda,
      every: Duration.minutes(5),
      input: { hsm: true },
      description: 'Wardkey: watch-hsm looks at the clusters of AWS CloudHSM and the key stores on them',
      impact: 'Nobody looks after the clusters of AWS CloudHSM; what keys do there goes on.',
      article: 'hsm-not-watched',
    });
    for (const [name, article, impact] of ALARMS) {
      // Two looks: one that is late must not let the alarm fall silent.
      const metric = step.countLines(name, ['article', article]).with({ period: Duration.minutes(10) });
      service.alarms.watch(step, name, { metric, above: 0, impact, article });
    }
  }
}

/** Name of the metric, article of the runbook (shared/governance/hsm-health.ts), impact. */
const ALARMS = [
  [
    'HsmClusterUnusable',
    'hsm-cluster-unusable',
    'A cluster of AWS CloudHSM is not fully at work: its keys fail or soon may.',
  ],
  ['HsmsTooFew', 'hsms-too-few', 'A cluster has no active HSM, or one Availability Zone alone carries every key.'],
  [
    'HsmBackupsAtRisk',
    'hsm-backups-at-risk',
    'A cluster that is lost could not be restored, or only without its newest keys.',
  ],
  [
    'HsmClusterOutdated',
    'hsm-cluster-outdated',
    'A cluster is not what an auditor is told: an old type of HSM, or no FIPS mode.',
  ],
  [
    'KeyStoreDisconnected',
    'key-store-disconnected',
    'No key of a key store can be used: nothing under it is encrypted or decrypted.',
  ],
  [
    'KeyStoreFailed',
    'key-store-failed',
    'KMS cannot connect a key store to its cluster: none of its keys can be used.',
  ],
] as const;
