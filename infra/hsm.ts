// Who looks after the clusters of AWS CloudHSM? A function on a schedule, and an alarm for each article of the runbook that it
// may name. Only with `-c hsm=true`.
import { Duration, Stack } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';

import { BlueprintFunction, type Service } from './blueprint-function.ts';
import { accept, wildcard } from './nag.ts';
import { acceptFrom, APPEND, WRITE } from './permissions.ts';

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
    this.schedule(service, step);
    for (const [name, article, impact] of ALARMS) {
      // Two looks: one that is late must not let the alarm fall silent.
      const metric = step.countLines(name, ['article', article]).with({ period: Duration.minutes(10) });
      service.alarms.watch(step, name, { metric, above: 0, impact, article });
    }
  }

  private schedule({ failedCalls }: Service, { lambda }: BlueprintFunction) {
    const rule = new Rule(this, 'Rule', {
      description: 'Wardkey: watch-hsm looks at the clusters of AWS CloudHSM and the key stores on them',
      schedule: Schedule.rate(Duration.minutes(5)),
    });
    const principal = new ServicePrincipal('events.amazonaws.com');
    acceptFrom(failedCalls, principal, rule.ruleArn);
    // The source in the permission: no other rule, in this account or elsewhere, can invoke the function (T045).
    lambda.addPermission('Schedule', { principal, sourceArn: rule.ruleArn, sourceAccount: Stack.of(this).account });
    rule.addTarget({
      bind: () => ({
        arn: lambda.functionArn,
        deadLetterConfig: { arn: failedCalls.queueArn },
        retryPolicy: { maximumEventAgeInSeconds: 300, maximumRetryAttempts: 1 }, // the next look comes in five minutes
      }),
    });
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
