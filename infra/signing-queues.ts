// How do orders reach a signer beside an HSM, and its answers come back? By queues only: it reads no table and writes none.
import { Duration } from 'aws-cdk-lib';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

import type { Service } from './blueprint-function.ts';
import { WorkQueue } from './work-queue.ts';

export interface SigningQueuesProps {
  readonly service: Service;
  /** Of the functions that work on signatures of either kind. */
  readonly timeouts: { readonly certificates: Duration; readonly lists: Duration };
}

export class SigningQueues extends Construct {
  /** Read by `wardkey signer run`. */
  readonly orders: Queue;
  /** Signatures of certificates, for `issue-certificate`. */
  readonly certificates: WorkQueue;
  /** Signatures of revocation lists, for `publish-crl`. */
  readonly lists: WorkQueue;

  constructor(scope: Construct, id: string, { service, timeouts }: SigningQueuesProps) {
    super(scope, id);
    this.orders = new WorkQueue(this, 'Orders', {
      service,
      name: 'signing-orders',
      workTimeout: timeouts.certificates, // a signer that takes an order has six times as long
      impact: 'Nobody signs beside the HSM: devices of owners whose issuing key is in a token wait for certificates.',
      patience: Duration.minutes(5),
    }).queue;
    this.certificates = new WorkQueue(this, 'Certificates', {
      service,
      name: 'signed-certificates',
      workTimeout: timeouts.certificates,
      impact: 'Certificates that were signed beside the HSM do not reach their devices.',
      patience: Duration.minutes(5),
    });
    this.lists = new WorkQueue(this, 'Lists', {
      service,
      name: 'signed-lists',
      workTimeout: timeouts.lists,
      impact: 'Revocation lists that were signed beside the HSM are not published.',
      patience: Duration.hours(1),
    });
  }
}
