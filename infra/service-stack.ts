// What may be redeployed at any time? Functions, queues, rules and policies; everything they know is in the trust stack.
import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import type { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

import { HSM_STEPS, OUTPUTS, type StepName, STEPS } from '../shared/env.ts';
import { Alarms } from './alarms.ts';
import { type BlueprintFunction, functionName, type Service } from './blueprint-function.ts';
import { bundleHandlers, placeholders } from './bundles.ts';
import { createDeletionGuard } from './deletion-guard.ts';
import { Governance, TRUST_TIMEOUT } from './governance.ts';
import { HsmWatch } from './hsm.ts';
import { Issuance } from './issuance.ts';
import { Onboarding } from './onboarding.ts';
import { createCeremonyPolicy, createOperatorPolicy, createSignerPolicy } from './operator-policy.ts';
import type { Parameters } from './parameters.ts';
import { Sessions } from './sessions.ts';
import type { TrustStack } from './trust-stack.ts';
import { Whitelist } from './whitelist.ts';
import { DeadLetters, WorkQueue } from './work-queue.ts';

export interface ServiceStackProps extends StackProps {
  readonly parameters: Parameters;
  readonly trust: TrustStack;
}

interface Told {
  readonly onboarding: Onboarding;
  readonly issuance: Issuance;
  readonly operator: ManagedPolicy;
  readonly ceremony: ManagedPolicy;
  readonly signer: ManagedPolicy;
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
    const issuance = new Issuance(this, 'Issuance', { service, alignments });
    new Sessions(this, 'Sessions', { service, alignments });
    const governance = new Governance(this, 'Governance', { service, authorities, alignments });
    const { changeTrust, changeStanding, showDevice, approveAct } = governance;
    const acts = [
      whitelist.claimDevices,
      changeTrust,
      changeStanding,
      showDevice,
      approveAct,
      issuance.createAuthority,
    ];
    const operator = createOperatorPolicy(this, service, acts);
    if (parameters.hsm) new HsmWatch(this, 'Hsm', { service });
    this.deletionGuard = createDeletionGuard(this, service, onboarding.policies);
    const ceremony = createCeremonyPolicy(this, service);
    const signer = createSignerPolicy(this, service, issuance);
    this.tell(service, { onboarding, issuance, operator, ceremony, signer });
  }

  // Here, because onboarding asks through it and governance, which answers, comes later.
  private createAuthorityRequests(service: Service): WorkQueue {
    return new WorkQueue(this, 'Authorities', {
      name: 'authorities',
      service,
      workTimeout: TRUST_TIMEOUT,
      patience: Duration.minutes(5),
      impact: 'A CA that looks stolen still brings in new certificates, or one that was cleared does not.',
    });
  }

  private createFailedCalls(service: Omit<Service, 'bundles' | 'failedCalls'>) {
    return new DeadLetters(this, 'FailedCalls', {
      service,
      impact:
        'A call that nobody waited for failed three times: a start by schedule, or the question whether the stack may be deleted.',
      article: 'failed-calls',
    }).queue;
  }

  // Read by the CLI (how it finds a deployment), by the end-to-end tests, and by whoever sets up roles and alarms.
  private tell({ parameters, alarms }: Service, { onboarding, issuance, operator, ceremony, signer }: Told) {
    const { policies, alignment } = onboarding;
    const outputs = {
      ...functionNames(parameters),
      [OUTPUTS.registrationPolicy]: policies.registration.name,
      [OUTPUTS.operationPolicy]: policies.operation.name,
      [OUTPUTS.operatorPolicy]: operator.managedPolicyArn,
      [OUTPUTS.ceremonyPolicy]: ceremony.managedPolicyArn,
      [OUTPUTS.signerPolicy]: signer.managedPolicyArn,
      AlignmentQueue: alignment.queue.queueUrl,
      [OUTPUTS.signingOrders]: issuance.signing.orders.queueUrl,
      [OUTPUTS.signedCertificates]: issuance.signing.certificates.queue.queueUrl,
      [OUTPUTS.signedLists]: issuance.signing.lists.queue.queueUrl,
      AlarmTopic: alarms.topic.topicArn,
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}

function functionNames({ prefix, hsm }: Parameters) {
  const steps = (Object.keys(STEPS) as StepName[]).filter((step) => hsm || !HSM_STEPS.includes(step));
  return Object.fromEntries(steps.map((step) => [OUTPUTS.function(step), functionName(prefix, step)]));
}
