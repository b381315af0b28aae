// Wiring of `guard-deletion`: the custom resource that CloudFormation deletes before everything else of its stack.
import { IoTClient } from '@aws-sdk/client-iot';

import { dynamodbRegistry } from '../../../shared/aws/dynamodb-registry.ts';
import { documentClient, tableNames, variable } from '../../../shared/aws/environment.ts';
import { iotAuthorityRegistry } from '../../../shared/aws/iot-authority-registry.ts';
import { iotBroker } from '../../../shared/aws/iot-broker.ts';
import { handleInvocation } from '../../handle.ts';
import { answerResource } from './custom-resource.ts';
import { guardDeletion } from './flow.ts';

const client = new IoTClient({});
const world = {
  registry: dynamodbRegistry(documentClient(), tableNames('owners')),
  broker: iotBroker(client),
  authorities: iotAuthorityRegistry(client),
  policies: [variable('registrationPolicy'), variable('operationPolicy')],
};

export const handler = handleInvocation('guard-deletion', (event) => answerResource(event, () => guardDeletion(world)));
