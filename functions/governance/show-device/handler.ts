// Wiring of `show-device`: invoked by IAM principals; reads only.
import { dynamodbRegistry } from '../../../shared/aws/dynamodb-registry.ts';
import { documentClient, tableNames } from '../../../shared/aws/environment.ts';
import { handleInvocation } from '../../handle.ts';
import { showDevice } from './flow.ts';

const registry = dynamodbRegistry(documentClient(), tableNames('whitelist', 'devices', 'ledger'));

export const handler = handleInvocation('show-device', (event) => showDevice(event, registry));
