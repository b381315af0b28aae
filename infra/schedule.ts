// What starts a function at its time? A rule of EventBridge, which nobody else can use; a start that failed is kept and rings.
import { type Duration, Stack } from 'aws-cdk-lib';
import { Rule, RuleTargetInput, Schedule as Rate } from 'aws-cdk-lib/aws-events';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';

import type { Service } from './blueprint-function.ts';
import { acceptFrom } from './permissions.ts';
import { DeadLetters } from './work-queue.ts';

export interface ScheduleProps {
  readonly service: Service;
  readonly target: LambdaFunction;
  readonly every: Duration;
  /** What the function is called with; a call that failed is told by it from others. */
  readonly input: Readonly<Record<string, true>>;
  readonly description: string;
  readonly impact: string;
  readonly article: string;
}

export class Schedule extends Construct {
  constructor(scope: Construct, id: string, props: ScheduleProps) {
    super(scope, id);
    const { service, target, every, input, description, impact, article } = props;
    const missed = new DeadLetters(this, 'Missed', {
      service,
      impact,
      article,
    });
    const rule = new Rule(this, 'Rule', { description, schedule: Rate.rate(every) });
    const principal = new ServicePrincipal('events.amazonaws.com');
    acceptFrom(missed.queue, principal, rule.ruleArn);
    // The source in the permission: no other rule, in this account or elsewhere, can invoke the function (T045).
    target.addPermission(id, { principal, sourceArn: rule.ruleArn, sourceAccount: Stack.of(this).account });
    rule.addTarget({
      bind: () => ({
        arn: target.functionArn,
        input: RuleTargetInput.fromObject(input),
        deadLetterConfig: { arn: missed.queue.queueArn },
        retryPolicy: { maximumEventAgeInSeconds: 60, maximumRetryAttempts: 1 }, // the next start comes by itself
      }),
    });
  }
}
