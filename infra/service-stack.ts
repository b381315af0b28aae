// What may be redeployed at any time? Functions, queues, rules and policies; everything they know is in the trust stack.
import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

import { OUTPUTS, type StepName, STEPS } from '../shared/env.ts';
import { Alarms } from './alarms.ts';
import { type BlueprintFunction, functionName, type Service } from './blueprint-function.ts';
import { bundleHandlers, placeholders } from './bundles.ts';
import { createDeletionGuard } from './deletion-guard.ts';
import { Governance } from './governance.ts';
import { Onboarding } from './onboarding.ts';
import { createOperatorPolicy } from './operator-policy.ts';
import type { Parameters } from './parameters.ts';
import type { TrustStack } from './trust-stack.ts';
import { Whitelist } from './whitelist.ts';
import { DeadLetters } from './work-queue.ts';

export interface ServiceStackProps extends StackProps {
  readonly parameters: Parameters;
  readonly trust: TrustStack;
}

export class ServiceStack extends Stack {
  readonly deletionGuard: BlueprintFunction;

  constructor(scope: Construct, id: string, props: ServiceStackProps) {
    const { parameters, trust, ...stackProps } = props;
    super(scope, id, { description: 'Wardkey: what may be redeployed (functions, queues, rules)', ...stackProps });
    const alarms = new Alarms(this, 'Alarms', { prefix: parameters.prefix, key: trust.keys.messages });
    const service: Service = {
      parameters,
      trust,
      alarms,
      bundles: parameters.bundle ? bundleHandlers() : placeholders(),
      failedCalls: this.createFailedCalls({ parameters, trust, alarms }),
    };
    const onboarding = new Onboarding(this, 'Onboarding', service);
    const whitelist = new Whitelist(this, 'Whitelist', {
      service,
      alignments: onboarding.alignment.queue,
      certificates: onboarding.alignment.certificates,
    });
    const governance = new Governance(this, 'Governance', service);
    const acts = [whitelist.claimDevices, governance.changeTrust, governance.showDevice, governance.approveAct];
    const operator = createOperatorPolicy(this, service, acts);
    this.deletionGuard = createDeletionGuard(this, service, onboarding.policies);
    this.tell(service, onboarding, operator);
  }

  private createFailedCalls({ parameters, trust, alarms }: Omit<Service, 'bundles' | 'failedCalls'>) {
    return new DeadLetters(this, 'FailedCalls', {
      key: trust.keys.messages,
      alarms,
      stage: parameters.stage,
      impact:
        'A call that nobody waited for failed three times: a sweep, or a question whether the stack may be deleted.',
      article: 'failed-calls',
    }).queue;
  }

  // Read by the CLI (how it finds a deployment), by the end-to-end tests, and by whoever sets up roles and alarms.
  private tell({ parameters, alarms }: Service, { policies, alignment }: Onboarding, operator: ManagedPolicy) {
    const outputs = {
      ...functionNames(parameters.prefix),
      [OUTPUTS.registrationPolicy]: policies.registration.name,
      [OUTPUTS.operationPolicy]: policies.operation.name,
      [OUTPUTS.operatorPolicy]: operator.managedPolicyArn,
      AlignmentQueue: alignment.queue.queueUrl,
      AlarmTopic: alarms.topic.topicArn,
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}

function functionNames(prefix: string) {
  return Object.fromEntries(
    Object.keys(STEPS).map((step) => [OUTPUTS.function(step as StepName), functionName(prefix, step as StepName)]),
  );
}
