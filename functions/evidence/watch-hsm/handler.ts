// Wiring of `watch-hsm`: started by a schedule.
import { CloudHSMV2Client } from '@aws-sdk/client-cloudhsm-v2';
import { KMSClient } from '@aws-sdk/client-kms';

import { cloudhsmFleet } from '../../../shared/aws/cloudhsm-fleet.ts';
import { dynamodbRegistry } from '../../../shared/aws/dynamodb-registry.ts';
import { documentClient, tableNames } from '../../../shared/aws/environment.ts';
import { kmsKeyStores } from '../../../shared/aws/kms-key-stores.ts';
import { nodeClock } from '../../../shared/aws/node-clock.ts';
import { nodeRandomness } from '../../../shared/aws/node-randomness.ts';
import { done } from '../../../shared/outcome.ts';
import { handleInvocation } from '../../handle.ts';
import { tellHealth, watchHsm } from './flow.ts';

const world = {
  fleet: cloudhsmFleet(new CloudHSMV2Client({})),
  keyStores: kmsKeyStores(new KMSClient({})),
  registry: dynamodbRegistry(documentClient(), tableNames('owners', 'ledger')),
  clock: nodeClock,
  random: nodeRandomness,
};

export const handler = handleInvocation(
  'watch-hsm',
  async (_event, { requestId }) => done(await watchHsm({ ...world, requestId })),
  tellHealth,
);
