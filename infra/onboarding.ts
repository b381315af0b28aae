// How is a first connect decided, and how does the broker learn the decision? (blueprint step 2)
import { Duration, Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

import { Alignment, certificatesOf } from './alignment.ts';
import { BlueprintFunction, type Service } from './blueprint-function.ts';
import { DevicePolicies } from './device-policies.ts';
import { FirstConnects } from './first-connects.ts';
import { accept, wildcard } from './nag.ts';
import { APPEND, COUNT, READ, sendTo } from './permissions.ts';
import { WorkQueue } from './work-queue.ts';

export interface OnboardingProps {
  readonly service: Service;
  /** Asks change-trust for a look at a CA. */
  readonly authorities: Queue;
}

export class Onboarding extends Construct {
  readonly policies: DevicePolicies;
  readonly alignment: Alignment;

  constructor(scope: Construct, id: string, { service, authorities }: OnboardingProps) {
    super(scope, id);
    this.policies = new DevicePolicies(this, 'DevicePolicies', service.parameters);
    this.alignment = new Alignment(this, 'Alignment', { service, policies: this.policies, authorities });
    const registrations = new WorkQueue(this, 'Registrations', {
      name: 'registrations',
      service,
      workTimeout: TIMEOUT,
      patience: Duration.minutes(5),
      impact: 'New devices wait for admission: their first connects are not decided.',
    });
    new FirstConnects(this, 'FirstConnects', { service, queue: registrations.queue });
    registrations.feed(this.registerDevice(service, authorities).lambda, service.parameters.registrationConcurrency);
  }

  private registerDevice(service: Service, authorities: Queue): BlueprintFunction {
    const { queue } = this.alignment;
    const { parameters, trust, alarms } = service;
    const certificates = certificatesOf(Stack.of(this));
    const step = new BlueprintFunction(this, 'RegisterDevice', {
      service,
      step: 'register-device',
      impact: 'New devices are neither admitted nor refused: they cannot connect for the first time.',
      tables: { whitelist: READ, owners: READ, devices: COUNT, ledger: APPEND },
      environment: {
        alignments: queue.queueUrl,
        authorities: authorities.queueUrl,
        account: Stack.of(this).account,
        pendingDays: String(parameters.pendingDays),
      },
      permissions: [
        ...sendTo(queue, trust.keys.messages),
        ...sendTo(authorities, trust.keys.messages),
        // To tell a clone from a stranger. It changes nothing at the broker; only align-broker does.
        new PolicyStatement({ actions: ['iot:DescribeCertificate'], resources: [certificates] }),
      ],
      timeout: TIMEOUT,
      memory: 512,
      concurrency: parameters.registrationConcurrency,
    });
    accept(step, 'Any certificate that connects may be unknown.', [wildcard(this, certificates)]);
    alarms.watch(step, 'Clones', {
      metric: step.countLines('Clones', ['reason', 'another-key']),
      above: 0,
      impact: 'Somebody holds a certificate that poses as a listed device, under another key.',
      article: 'clone-suspected',
    });
    alarms.watch(step, 'Spent', {
      metric: step.countLines('SpentFactoryCertificates', ['reason', 'factory-certificate-consumed']),
      above: 0,
      impact: 'A spent factory certificate was shown: a device was reset, or somebody holds a copy of its first key.',
      article: 'factory-certificate-shown',
    });
    return step;
  }
}

const TIMEOUT = Duration.seconds(30);
