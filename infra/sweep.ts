// What finds the devices, certificates and authorities whose request was lost? A look at the pending index, once a minute.
import { Duration, Stack } from 'aws-cdk-lib';
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';

import type { Service } from './blueprint-function.ts';
import { acceptFrom } from './permissions.ts';
import { DeadLetters } from './work-queue.ts';

export interface SweepProps {
  readonly service: Service;
  readonly target: LambdaFunction;
}

export class Sweep extends Construct {
  constructor(scope: Construct, id: string, { service, target }: SweepProps) {
    super(scope, id);
    const missed = new DeadLetters(this, 'Missed', {
      key: service.trust.keys.messages,
      alarms: service.alarms,
      stage: service.parameters.stage,
      impact: 'The sweep is not running: alignment requests that were lost stay lost.',
      article: 'sweep-dead-letters',
    });
    const rule = new Rule(this, 'Rule', {
      description: 'Wardkey: align-broker looks for devices that the broker does not match yet',
      schedule: Schedule.rate(Duration.minutes(1)),
    });
    const principal = new ServicePrincipal('events.amazonaws.com');
    acceptFrom(missed.queue, principal, rule.ruleArn);
    // The source in the permission: no other rule, in this account or elsewhere, can invoke the function (T045).
    target.addPermission('Sweep', { principal, sourceArn: rule.ruleArn, sourceAccount: Stack.of(this).account });
    rule.addTarget({
      bind: () => ({
        arn: target.functionArn,
        input: RuleTargetInput.fromObject({ sweep: true }),
        deadLetterConfig: { arn: missed.queue.queueArn },
        retryPolicy: { maximumEventAgeInSeconds: 60, maximumRetryAttempts: 1 }, // the next sweep comes in a minute
      }),
    });
  }
}
