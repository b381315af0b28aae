// Which function answers whether the deployment may be deleted? Asked by the guard stack, through CloudFormation.
import { Duration, Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

import { BlueprintFunction, type Service } from './blueprint-function.ts';
import type { DevicePolicies } from './device-policies.ts';
import { authoritiesOf } from './governance.ts';
import { brokerResources } from './local.ts';
import { accept, wildcard } from './nag.ts';
import { READ } from './permissions.ts';

/** The handler answers CloudFormation's ResponseURL itself. */
export function createDeletionGuard(scope: Construct, service: Service, { registration, operation }: DevicePolicies) {
  const { stage } = service.parameters;
  const authorities = brokerResources(stage, [authoritiesOf(Stack.of(scope))]);
  const attachable = brokerResources(stage, [registration.arn, operation.arn]);
  const step = new BlueprintFunction(scope, 'GuardDeletion', {
    service,
    step: 'guard-deletion',
    impact: 'The service stack can be neither created nor deleted; devices are not affected.',
    tables: { owners: READ },
    environment: { registrationPolicy: registration.name, operationPolicy: operation.name },
    permissions: [
      new PolicyStatement({ actions: ['iot:ListTargetsForPolicy'], resources: attachable }),
      new PolicyStatement({ actions: ['iot:DescribeCACertificate'], resources: authorities }),
    ],
    timeout: Duration.minutes(2),
    memory: 256,
    concurrency: 1,
  });
  accept(
    step,
    'The guard asks for each CA the Owners table names; their ids are not known when the stack is made.',
    authorities.map((arn) => wildcard(scope, arn)),
  );
  return step;
}
