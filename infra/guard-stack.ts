// May the deployment be deleted? Not while devices hang on it: CloudFormation cannot remove an IoT policy that is
// attached, and would stop half-way with devices cut off. This stack stands on the service stack, so it is deleted
// first; its only resource asks `guard-deletion`, which can refuse while everything else still works.
import { CustomResource, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

import type { BlueprintFunction } from './blueprint-function.ts';

export interface GuardStackProps extends StackProps {
  /** The function of the service stack that answers CloudFormation. */
  readonly step: BlueprintFunction;
}

export class GuardStack extends Stack {
  constructor(scope: Construct, id: string, { step, ...stackProps }: GuardStackProps) {
    super(scope, id, { description: 'Wardkey: refuses to be deleted while devices remain', ...stackProps });
    // A plain custom resource: the provider framework would add two functions that wait for one that is quick.
    new CustomResource(this, 'DeletionGuard', {
      resourceType: 'Custom::WardkeyDeletionGuard',
      serviceToken: step.lambda.functionArn,
      serviceTimeout: Duration.minutes(10),
    });
  }
}
