// How do people change and see what the deployment trusts? Functions that only IAM principals can invoke.
import { Duration, Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';

import { BlueprintFunction, type Service } from './blueprint-function.ts';
import { brokerResources } from './local.ts';
import { accept, wildcard } from './nag.ts';
import { APPEND, READ, WRITE } from './permissions.ts';

export class Governance extends Construct {
  readonly changeTrust: BlueprintFunction;
  readonly showDevice: BlueprintFunction;
  readonly approveAct: BlueprintFunction;

  constructor(scope: Construct, id: string, service: Service) {
    super(scope, id);
    this.changeTrust = this.createChangeTrust(service);
    this.showDevice = new BlueprintFunction(this, 'ShowDevice', {
      service,
      step: 'show-device',
      impact: 'Operators cannot see the state of devices; devices are not affected.',
      tables: { whitelist: READ, devices: READ, ledger: READ },
      timeout: Duration.seconds(15),
      memory: 512,
      concurrency: 5,
    });
    this.approveAct = new BlueprintFunction(this, 'ApproveAct', {
      service,
      step: 'approve-act',
      impact: 'Nobody can request or approve a release: devices beyond their lot stay held.',
      tables: { whitelist: WRITE, owners: WRITE, ledger: APPEND },
      environment: { roles: service.parameters.roles },
      timeout: Duration.seconds(30),
      memory: 512,
      concurrency: 2,
    });
  }

  private createChangeTrust(service: Service): BlueprintFunction {
    const authorities = authoritiesOf(Stack.of(this));
    const changeTrust = new BlueprintFunction(this, 'ChangeTrust', {
      service,
      step: 'change-trust',
      impact: 'Owners, manufacturers and their CAs cannot be added or removed; devices are not affected.',
      tables: { owners: WRITE, ledger: APPEND },
      environment: { roles: service.parameters.roles },
      permissions: [
        new PolicyStatement({ actions: ['iot:RegisterCACertificate'], resources: ['*'] }),
        new PolicyStatement({
          actions: ['iot:DescribeCACertificate', 'iot:UpdateCACertificate'],
          resources: brokerResources(service.parameters.stage, [authorities]),
        }),
      ],
      timeout: Duration.seconds(30),
      memory: 512,
      concurrency: 2,
    });
    accept(
      changeTrust,
      'A CA has no ARN before it is registered, and its id is the digest of a certificate that comes with the act.',
      [wildcard(this, '*'), wildcard(this, authorities)],
    );
    return changeTrust;
  }
}

export function authoritiesOf(stack: Stack): string {
  return stack.formatArn({ service: 'iot', resource: 'cacert', resourceName: '*' });
}
