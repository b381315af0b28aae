// How does AWS IoT Core come to match what was decided? One function, fed by a queue and by a sweep each minute.
import { Duration, Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

import { BlueprintFunction, type Service } from './blueprint-function.ts';
import type { DevicePolicies } from './device-policies.ts';
import { brokerResources } from './local.ts';
import { accept, wildcard } from './nag.ts';
import { APPEND, READ, sendTo, usePendingIndex, WRITE } from './permissions.ts';
import type { Parameters } from './parameters.ts';
import { Schedule } from './schedule.ts';
import { WorkQueue } from './work-queue.ts';

export interface AlignmentProps {
  readonly service: Service;
  readonly policies: DevicePolicies;
  /** Asks change-trust for a look at a CA. */
  readonly authorities: Queue;
}

export class Alignment extends Construct {
  readonly step: BlueprintFunction;
  /** Asks for a look at one device; every step that changes a device row sends to it. */
  readonly queue: Queue;
  /** Asks to make a certificate known; a reel of chips is many of them, and stands before no device. */
  readonly certificates: Queue;

  constructor(scope: Construct, id: string, { service, policies, authorities }: AlignmentProps) {
    super(scope, id);
    const { trust } = service;
    const requests = new WorkQueue(this, 'Requests', {
      name: 'alignments',
      service,
      workTimeout: TIMEOUT,
      patience: Duration.minutes(5),
      impact: 'The broker is late with decisions: admitted devices wait, cut devices may stay connected.',
    });
    this.queue = requests.queue;
    const certificates = new WorkQueue(this, 'Certificates', {
      name: 'certificates',
      service,
      workTimeout: TIMEOUT,
      patience: Duration.hours(12),
      impact:
        'Certificates of listed chips are not known to the broker: their devices cannot connect once they are owned.',
    });
    this.certificates = certificates.queue;
    this.step = new BlueprintFunction(this, 'AlignBroker', {
      service,
      step: 'align-broker',
      impact: 'The broker does not follow decisions: admitted devices wait, cut devices may stay connected.',
      tables: { whitelist: READ, devices: WRITE, ledger: APPEND },
      environment: {
        alignments: this.queue.queueUrl,
        certificates: this.certificates.queueUrl,
        authorities: authorities.queueUrl,
        registrationPolicy: policies.registration.name,
        operationPolicy: policies.operation.name,
      },
      permissions: [
        usePendingIndex(trust.tables.devices),
        ...sendTo(this.queue, trust.keys.messages),
        ...sendTo(this.certificates, trust.keys.messages),
        ...sendTo(authorities, trust.keys.messages),
        ...brokerStatements(Stack.of(this), policies, service.parameters.stage),
      ],
      timeout: TIMEOUT,
      memory: 512,
      concurrency: 2 * WORKERS + 1, // the sweep beside the workers of both queues
    });
    requests.feed(this.step.lambda, WORKERS);
    certificates.feed(this.step.lambda, WORKERS);
    new Schedule(this, 'Sweep', {
      service,
      target: this.step.lambda,
      every: Duration.minutes(1),
      input: { sweep: true },
      description: 'Wardkey: align-broker looks for devices that the broker does not match yet',
      impact: 'The sweep is not running: alignment requests that were lost stay lost.',
      article: 'sweep-dead-letters',
    });
    accept(this.step, ANY_DEVICE, [
      wildcard(this, '*'),
      wildcard(this, certificatesOf(Stack.of(this))),
      wildcard(this, thingsOf(Stack.of(this))),
    ]);
  }
}

// The only role that changes certificates, things and their policies at the broker.
function brokerStatements(stack: Stack, policies: DevicePolicies, stage: Parameters['stage']): PolicyStatement[] {
  const [certificates, things] = [certificatesOf(stack), thingsOf(stack)];
  const attachable = brokerResources(stage, [certificates, policies.registration.arn, policies.operation.arn]);
  const allow = (actions: readonly string[], resources: string[]) =>
    new PolicyStatement({ actions: actions.map((action) => `iot:${action}`), resources });
  return [
    allow(['DescribeCertificate', 'UpdateCertificate', 'DeleteCertificate'], [certificates]),
    allow(['AttachPolicy', 'DetachPolicy'], attachable),
    allow(['CreateThing', 'DeleteThing'], [things]),
    allow(['AttachThingPrincipal', 'DetachThingPrincipal'], [certificates, things]),
    allow(
      [
        'RegisterCertificate',
        'RegisterCertificateWithoutCA',
        'ListAttachedPolicies',
        'ListPrincipalThings',
        'ListPrincipalThingsV2',
      ],
      ['*'],
    ),
  ];
}

export function certificatesOf(stack: Stack): string {
  return stack.formatArn({ service: 'iot', resource: 'cert', resourceName: '*' });
}

function thingsOf(stack: Stack): string {
  return stack.formatArn({ service: 'iot', resource: 'thing', resourceName: '*' });
}

// Below the 60 seconds of a device's lease (functions/lease.ts): a worker that still runs holds it.
const TIMEOUT = Duration.seconds(50);
// Two workers stay below what IoT Core allows an account (10 to 15 calls a second of a kind); more would be throttled.
const WORKERS = 2;
const ANY_DEVICE =
  'The step aligns every device of the account, and ids of certificates and names of things are known only when they ' +
  'connect. The three listing actions have no resource that names one certificate, and a certificate has none before it is ' +
  'registered.';
