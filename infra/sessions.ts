// How does the service see that a key is in two places? It watches where each device connects (T053).
import { Duration } from 'aws-cdk-lib';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

import { BlueprintFunction, type Service } from './blueprint-function.ts';
import { APPEND, READ, sendTo, WRITE } from './permissions.ts';
import { TopicRules } from './topic-rules.ts';
import { WorkQueue } from './work-queue.ts';

export interface SessionsProps {
  readonly service: Service;
  readonly alignments: Queue;
}

export class Sessions extends Construct {
  constructor(scope: Construct, id: string, { service, alignments }: SessionsProps) {
    super(scope, id);
    const { trust, alarms } = service;
    const impact = 'Nobody sees when a copy of a key is used; devices are not affected.';
    const queue = new WorkQueue(this, 'Presence', {
      name: 'sessions',
      service,
      workTimeout: TIMEOUT,
      patience: Duration.minutes(15),
      impact,
    });
    new TopicRules(this, 'Rules', {
      service,
      rules: [{ ...RULE, queue: queue.queue }],
      undelivered: { impact, article: 'sessions-undelivered' },
    });
    const step = new BlueprintFunction(this, 'WatchSessions', {
      service,
      step: 'watch-sessions',
      impact,
      tables: { devices: WRITE, owners: READ, ledger: APPEND },
      environment: { alignments: alignments.queueUrl },
      permissions: sendTo(alignments, trust.keys.messages),
      timeout: TIMEOUT,
      memory: 512,
      concurrency: WORKERS,
    });
    queue.feed(step.lambda, WORKERS);
    alarms.watch(step, 'Suspected', {
      // Also when its owner's wish was carried out at once: a quarantine is no reason to be silent.
      metric: step.countLines('AlternatingSessions', ['sign', 'suspected', 'quarantined']),
      above: 0,
      impact: 'Two devices seem to use one certificate: one of them holds a copy of the key.',
      article: 'sessions-alternate',
    });
  }
}

const TIMEOUT = Duration.seconds(30);
const WORKERS = 5;
const RULE = {
  id: 'Rule',
  name: 'sessions',
  description: 'Wardkey: where devices connect, to see when one certificate is used in two places',
  sql:
    'SELECT eventType, clientId, principalIdentifier, sessionIdentifier, ipAddress, timestamp ' +
    "FROM '$aws/events/presence/+/+'",
};
