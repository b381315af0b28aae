// How does the service hear of a device's first connect? From the broker's own events, by rules that only fill a queue.
import { Stack } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnTopicRule } from 'aws-cdk-lib/aws-iot';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

import type { Service } from './blueprint-function.ts';
import { accept, inBothPacks } from './nag.ts';
import { onlyFor, sendTo } from './permissions.ts';
import { DeadLetters } from './work-queue.ts';

export interface FirstConnectsProps {
  readonly service: Service;
  readonly queue: Queue;
}

/** Every CA and every device of the account speaks here; `register-device` decides, the rules filter nothing. */
export class FirstConnects extends Construct {
  constructor(scope: Construct, id: string, { service, queue }: FirstConnectsProps) {
    super(scope, id);
    const key = service.trust.keys.messages;
    const undelivered = new DeadLetters(this, 'Undelivered', {
      key,
      alarms: service.alarms,
      stage: service.parameters.stage,
      impact: 'First connects were not delivered: their devices stay outside until they connect again.',
      article: 'first-connects-undelivered',
    });
    // Rule names know no hyphen; prefixes know no underscore, so two prefixes never meet in one name.
    const prefix = service.parameters.prefix.replaceAll('-', '_');
    const names = RULES.map(({ name }) => `${prefix}_${name}`);
    const role = new Role(this, 'Role', { assumedBy: this.broker(names) });
    for (const target of [queue, undelivered.queue])
      sendTo(target, key).forEach((statement) => role.addToPolicy(statement));
    accept(role, 'The policy belongs to this one role and goes with it.', inBothPacks('IAMNoInlinePolicy'));
    const action = (target: Queue) => ({ sqs: { queueUrl: target.queueUrl, roleArn: role.roleArn, useBase64: false } });
    for (const { id, name, description, sql } of RULES) {
      const rule = new CfnTopicRule(this, id, {
        ruleName: `${prefix}_${name}`,
        topicRulePayload: {
          description,
          sql,
          awsIotSqlVersion: '2016-03-23',
          actions: [action(queue)],
          errorAction: action(undelivered.queue),
        },
      });
      rule.node.addDependency(role); // with its policy: a rule that may not send yet would lose the first events
    }
  }

  // A rule of another account, or another rule of this one, cannot borrow the role (confused deputy, T045).
  private broker(names: readonly string[]): ServicePrincipal {
    const stack = Stack.of(this);
    const rules = names.map((resourceName) => stack.formatArn({ service: 'iot', resource: 'rule', resourceName }));
    return new ServicePrincipal('iot.amazonaws.com', { conditions: onlyFor(rules, stack.account) });
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
