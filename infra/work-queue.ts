// How does work wait? In an encrypted queue that gives up after five tries, keeps what failed, and rings either way.
import { Duration } from 'aws-cdk-lib';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

import type { Service } from './blueprint-function.ts';
import { acceptPlainHttp, refusesPlainHttp } from './local.ts';
import { accept } from './nag.ts';

type Room = Pick<Service, 'trust' | 'alarms' | 'parameters'>;

export interface WorkQueueProps {
  readonly service: Room;
  /** Timeout of the function that works; a message stays hidden six times as long, as Lambda advises. */
  readonly workTimeout: Duration;
  /** What stops working, for whom, while messages wait or end as dead letters. */
  readonly impact: string;
  /** The oldest message may be this old before somebody is called. */
  readonly patience: Duration;
  /** Begins the anchors of its two runbook articles: `<name>-waits` and `<name>-dead-letters`. */
  readonly name: string;
}

export class WorkQueue extends Construct {
  readonly queue: Queue;

  constructor(scope: Construct, id: string, props: WorkQueueProps) {
    super(scope, id);
    const { service, impact, name } = props;
    const article = `${name}-dead-letters`;
    const deadLetters = new DeadLetters(this, 'DeadLetters', { service, impact, article });
    this.queue = new Queue(this, 'Queue', {
      ...encrypted(service),
      visibilityTimeout: Duration.seconds(props.workTimeout.toSeconds() * 6),
      retentionPeriod: Duration.days(14),
      deadLetterQueue: { queue: deadLetters.queue, maxReceiveCount: 5 },
    });
    acceptPlainHttp(this, service.parameters.stage);
    service.alarms.watch(this, 'Waits', {
      metric: this.queue.metricApproximateAgeOfOldestMessage({ period: Duration.minutes(1), statistic: 'Maximum' }),
      above: props.patience.toSeconds(),
      impact,
      article: `${name}-waits`,
    });
  }

  /** The function works on the queue; a message that fails comes back alone, without the rest of its batch. */
  feed(worker: LambdaFunction, maxConcurrency: number, batchSize = 10): void {
    worker.addEventSource(new SqsEventSource(this.queue, { batchSize, maxConcurrency, reportBatchItemFailures: true }));
  }
}

export interface DeadLettersProps {
  readonly service: Room;
  readonly impact: string;
  readonly article: string;
}

/** Keeps for 14 days, the longest SQS can, what nobody could work on; one message is enough to ring. */
export class DeadLetters extends Construct {
  readonly queue: Queue;

  constructor(scope: Construct, id: string, { service, impact, article }: DeadLettersProps) {
    super(scope, id);
    this.queue = new Queue(this, 'Queue', { ...encrypted(service), retentionPeriod: Duration.days(14) });
    accept(this, 'This is where messages end that nobody could work on; a second such queue would hide them.', [
      'AwsSolutions-SQS3',
    ]);
    acceptPlainHttp(this, service.parameters.stage);
    service.alarms.watch(this, 'NotEmpty', {
      metric: this.queue.metricApproximateNumberOfMessagesVisible({
        period: Duration.minutes(1),
        statistic: 'Maximum',
      }),
      above: 0,
      impact,
      article,
    });
  }
}

function encrypted({ trust, parameters }: Room) {
  return {
    encryption: QueueEncryption.KMS,
    encryptionMasterKey: trust.keys.messages,
    dataKeyReuse: Duration.minutes(5),
    enforceSSL: refusesPlainHttp(parameters.stage),
  };
}
