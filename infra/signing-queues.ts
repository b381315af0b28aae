// How do orders reach a signer beside an HSM, and its answers come back? By queues only: it reads no table and writes none.
import { Duration } from 'aws-cdk-lib';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

import type { Service } from './blueprint-function.ts';
import { WorkQueue } from './work-queue.ts';

export interface SigningQueuesProps {
  readonly service: Service;
  readonly workTimeout: Duration;
}

export class SigningQueues extends Construct {
  /** Read by `wardkey signer run`. */
  readonly orders: Queue;
  /** Signatures of certificates, for `issue-certificate`. */
  readonly certificates: WorkQueue;
  /** Signatures of revocation lists, for `publish-crl`. */
  readonly lists: WorkQueue;

  constructor(scope: Construct, id: string, { service, workTimeout }: SigningQueuesProps) {
    super(scope, id);
    const { trust, alarms, parameters } = service;
    const common = { key: trust.keys.messages, alarms, stage: parameters.stage, workTimeout };
    this.orders = new WorkQueue(this, 'Orders', {
      ...common,
      name: 'signing-orders',
      impact: 'Nobody signs beside the HSM: devices of owners whose issuing key is in a token wait for certificates.',
      patience: Duration.minutes(5),
    }).queue;
    this.certificates = new WorkQueue(this, 'Certificates', {
      ...common,
      name: 'signed-certificates',
      impact: 'Certificates that were signed beside the HSM do not reach their devices.',
      patience: Duration.minutes(5),
    });
    this.lists = new WorkQueue(this, 'Lists', {
      ...common,
      name: 'signed-lists',
      impact: 'Revocation lists that were signed beside the HSM are not published.',
      patience: Duration.hours(1),
    });
  }
}
