// What may be redeployed at any time? Functions, queues, rules and policies; everything they know is in the trust stack.
import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import type { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

import { OUTPUTS, type StepName, STEPS } from '../shared/env.ts';
import { Alarms } from './alarms.ts';
import { type BlueprintFunction, functionName, type Service } from './blueprint-function.ts';
import { bundleHandlers, placeholders } from './bundles.ts';
import { createDeletionGuard } from './deletion-guard.ts';
import { Governance, TRUST_TIMEOUT } from './governance.ts';
import { Onboarding } from './onboarding.ts';
import { createOperatorPolicy } from './operator-policy.ts';
import type { Parameters } from './parameters.ts';
import type { TrustStack } from './trust-stack.ts';
import { Whitelist } from './whitelist.ts';
import { DeadLetters, WorkQueue } from './work-queue.ts';

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
    const authorities = this.createAuthorityRequests(service);
    const onboarding = new Onboarding(this, 'Onboarding', { service, authorities: authorities.queue });
    const whitelist = new Whitelist(this, 'Whitelist', {
      service,
      alignments: onboarding.alignment.queue,
      certificates: onboarding.alignment.certificates,
    });
    const alignments = onboarding.alignment.queue;
    const governance = new Governance(this, 'Governance', { service, authorities, alignments });
    const { changeTrust, changeStanding, showDevice, approveAct } = governance;
    const acts = [whitelist.claimDevices, changeTrust, changeStanding, showDevice, approveAct];
    const operator = createOperatorPolicy(this, service, acts);
    this.deletionGuard = createDeletionGuard(this, service, onboarding.policies);
    this.tell(service, onboarding, operator);
  }

  // Here, because onboarding asks through it and governance, which answers, comes later.
  private createAuthorityRequests({ parameters, trust, alarms }: Service): WorkQueue {
    return new WorkQueue(this, 'Authorities', {
      name: 'authorities',
      key: trust.keys.messages,
      alarms,
      stage: parameters.stage,
      workTimeout: TRUST_TIMEOUT,
      patience: Duration.minutes(5),
      impact: 'A CA that looks stolen still brings in new certificates, or one that was cleared does not.',
    });
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
