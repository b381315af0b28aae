// Wiring of `change-trust`: invoked by IAM principals.
import { IoTClient } from '@aws-sdk/client-iot';

import { dynamodbRegistry } from '../../../shared/aws/dynamodb-registry.ts';
import { documentClient, roleMap, stsEndpoint, tableNames } from '../../../shared/aws/environment.ts';
import { iotAuthorityRegistry } from '../../../shared/aws/iot-authority-registry.ts';
import { nodeClock } from '../../../shared/aws/node-clock.ts';
import { nodeRandomness } from '../../../shared/aws/node-randomness.ts';
import { stsCallerIdentity } from '../../../shared/aws/sts-caller-identity.ts';
import { handleInvocation } from '../../handle.ts';
import { changeTrust } from './flow.ts';

const world = {
  registry: dynamodbRegistry(documentClient(), tableNames('owners', 'ledger')),
  authorities: iotAuthorityRegistry(new IoTClient({})),
  callers: stsCallerIdentity(stsEndpoint()),
  roles: roleMap(),
  clock: nodeClock,
  random: nodeRandomness,
};

export const handler = handleInvocation('change-trust', (event, { requestId, functionArn }) =>
  changeTrust(event, { ...world, requestId, audience: functionArn }),
);
