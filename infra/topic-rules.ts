// How does the service hear of devices? From the broker's own events and from what devices publish, by rules that only fill queues.
import { Stack } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnTopicRule } from 'aws-cdk-lib/aws-iot';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

import type { Service } from './blueprint-function.ts';
import { accept, inBothPacks } from './nag.ts';
import { onlyFor, sendTo } from './permissions.ts';
import { DeadLetters } from './work-queue.ts';

export interface TopicRuleWish {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly sql: string;
  readonly queue: Queue;
}

export interface TopicRulesProps {
  readonly service: Service;
  readonly rules: readonly TopicRuleWish[];
  /** What it means when the broker cannot deliver, and the runbook's article. */
  readonly undelivered: { readonly impact: string; readonly article: string };
}

/** The rules filter nothing and decide nothing. */
export class TopicRules extends Construct {
  constructor(scope: Construct, id: string, { service, rules, undelivered: { impact, article } }: TopicRulesProps) {
    super(scope, id);
    const key = service.trust.keys.messages;
    const undelivered = new DeadLetters(this, 'Undelivered', { service, impact, article });
    // Rule names know no hyphen; prefixes know no underscore, so two prefixes never meet in one name.
    const prefix = service.parameters.prefix.replaceAll('-', '_');
    const names = rules.map(({ name }) => `${prefix}_${name}`);
    const role = new Role(this, 'Role', { assumedBy: this.broker(names) });
    for (const target of new Set([...rules.map(({ queue }) => queue), undelivered.queue]))
      sendTo(target, key).forEach((statement) => role.addToPolicy(statement));
    accept(role, 'The policy belongs to this one role and goes with it.', inBothPacks('IAMNoInlinePolicy'));
    const action = (target: Queue) => ({ sqs: { queueUrl: target.queueUrl, roleArn: role.roleArn, useBase64: false } });
    for (const { id, name, description, sql, queue } of rules) {
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
