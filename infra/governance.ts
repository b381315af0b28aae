// How do people change and see what the deployment trusts? Functions that only IAM principals can invoke.
import { Duration, Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

import { BlueprintFunction, type Service } from './blueprint-function.ts';
import { brokerResources } from './local.ts';
import { accept, wildcard } from './nag.ts';
import { APPEND, READ, sendTo, WRITE } from './permissions.ts';
import type { WorkQueue } from './work-queue.ts';

export interface GovernanceProps {
  readonly service: Service;
  /** Feeds change-trust with the CAs that the broker may not match. */
  readonly authorities: WorkQueue;
  readonly alignments: Queue;
}

/** What change-trust may take, below the 60 seconds of a lease (functions/lease.ts); its queue hides a message six times as long. */
export const TRUST_TIMEOUT = Duration.seconds(50);

export class Governance extends Construct {
  readonly changeTrust: BlueprintFunction;
  readonly showDevice: BlueprintFunction;
  readonly approveAct: BlueprintFunction;
  readonly changeStanding: BlueprintFunction;

  constructor(scope: Construct, id: string, { service, authorities, alignments }: GovernanceProps) {
    super(scope, id);
    const { trust } = service;
    this.changeTrust = this.createChangeTrust(service, authorities.queue);
    authorities.feed(this.changeTrust.lambda, 2, 1);
    this.changeStanding = new BlueprintFunction(this, 'ChangeStanding', {
      service,
      step: 'change-standing',
      impact: 'Nobody can quarantine, deny, retire or place a device; what was decided before holds.',
      tables: { whitelist: READ, devices: WRITE, ledger: APPEND },
      environment: { roles: service.parameters.roles, alignments: alignments.queueUrl },
      permissions: sendTo(alignments, trust.keys.messages),
      timeout: Duration.seconds(15),
      memory: 512,
      concurrency: 2,
    });
    this.showDevice = new BlueprintFunction(this, 'ShowDevice', {
      service,
      step: 'show-device',
      impact: 'Operators cannot see the state of devices; devices are not affected.',
      tables: { whitelist: READ, devices: READ, ledger: READ },
      timeout: Duration.seconds(15),
      memory: 512,
      concurrency: 5,
    });
    this.approveAct = new BlueprintFunction(this, 'ApproveAct', {
      service,
      step: 'approve-act',
      impact: 'Nobody can request or approve what takes two people: devices stay held, quarantines stay.',
      tables: { whitelist: WRITE, devices: WRITE, owners: WRITE, ledger: APPEND },
      environment: { roles: service.parameters.roles, alignments: alignments.queueUrl },
      permissions: sendTo(alignments, trust.keys.messages),
      timeout: Duration.seconds(30),
      memory: 512,
      concurrency: 2,
    });
  }

  private createChangeTrust(service: Service, requests: Queue): BlueprintFunction {
    const authorities = authoritiesOf(Stack.of(this));
    const changeTrust = new BlueprintFunction(this, 'ChangeTrust', {
      service,
      step: 'change-trust',
      impact: 'Owners, manufacturers and their CAs cannot be added or removed; devices are not affected.',
      tables: { owners: WRITE, devices: WRITE, ledger: APPEND },
      environment: { roles: service.parameters.roles, authorities: requests.queueUrl },
      permissions: [
        ...sendTo(requests, service.trust.keys.messages),
        new PolicyStatement({ actions: ['iot:RegisterCACertificate'], resources: ['*'] }),
        new PolicyStatement({
          actions: ['iot:DescribeCACertificate', 'iot:UpdateCACertificate'],
          resources: brokerResources(service.parameters.stage, [authorities]),
        }),
      ],
      timeout: TRUST_TIMEOUT,
      memory: 512,
      concurrency: 4, // two for people beside the two of its queue
    });
    service.alarms.watch(changeTrust, 'Breakers', {
      metric: changeTrust.countLines('Breakers', ['registration', 'stopped']),
      above: 0,
      impact: 'A CA looks stolen, or an operator said so: the broker takes in no new device of it.',
      article: 'breaker-open',
    });
    accept(
      changeTrust,
      'A CA has no ARN before it is registered, and its id is the digest of a certificate that comes with the act.',
      [wildcard(this, '*'), wildcard(this, authorities)],
    );
    return changeTrust;
  }
}

export function authoritiesOf(stack: Stack): string {
  return stack.formatArn({ service: 'iot', resource: 'cacert', resourceName: '*' });
}
