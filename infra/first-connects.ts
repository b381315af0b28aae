// How does the service hear of a device's first connect? Every CA and every device of the account speaks here;
// `register-device` decides.
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

import type { Service } from './blueprint-function.ts';
import { TopicRules } from './topic-rules.ts';

export interface FirstConnectsProps {
  readonly service: Service;
  readonly queue: Queue;
}

export class FirstConnects extends TopicRules {
  constructor(scope: Construct, id: string, { service, queue }: FirstConnectsProps) {
    super(scope, id, {
      service,
      rules: RULES.map((rule) => ({ ...rule, queue })),
      undelivered: {
        impact: 'First connects were not delivered: their devices stay outside until they connect again.',
        article: 'first-connects-undelivered',
      },
    });
  }
}

const RULES = [
  {
    id: 'Rule',
    name: 'first_connects',
    description: 'Wardkey: certificates that the broker has just registered, or that ask again while they wait',
    sql: "SELECT * FROM '$aws/events/certificates/registered/+'",
  },
  {
    // The first connect of a certificate that was registered beforehand makes no other event.
    id: 'PresenceRule',
    name: 'presence',
    description: 'Wardkey: connects, by which devices are admitted whose certificates were registered beforehand',
    sql: "SELECT eventType, principalIdentifier, timestamp FROM '$aws/events/presence/connected/+'",
  },
];
