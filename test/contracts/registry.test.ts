// Do the registry in memory and the one on DynamoDB keep the same promises? On two engines that know nothing of each
// other: the local cloud's everywhere, dynoxide where it exists.
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe } from 'vitest';

import type { Registry } from '../../shared/ports.ts';
import { counterpart } from '../counterparts.ts';
import { MemoryRegistry } from '../fakes/memory-registry.ts';
import { createRegistry, dropTables, namedTables } from './dynamodb-tables.ts';
import { startDynoxide, type Dynoxide } from './dynoxide.ts';
import { Cleanup, clientSettings, localAws, randomName } from './local-aws.ts';
import { registryContract } from './registry-contract.ts';

const memory = new MemoryRegistry();
registryContract('in memory', { registry: () => memory });

describe('on the local cloud', () => {
  const cleanup = new Cleanup();
  let registry: Registry;

  beforeAll(async () => {
    const client = new DynamoDBClient(clientSettings(await localAws()));
    const tables = namedTables(randomName());
    cleanup.later(() => dropTables(client, tables));
    registry = await createRegistry(client, tables);
  }, 60_000);

  afterAll(() => cleanup.run());

  registryContract('DynamoDB (local cloud)', { registry: () => registry });
});

const program = counterpart('dynoxide')?.path;

describe.skipIf(program === undefined)('on dynoxide', () => {
  let dynoxide: Dynoxide;

  beforeAll(async () => {
    dynoxide = await startDynoxide(program ?? '');
  });

  afterAll(() => dynoxide.stop());

  registryContract('DynamoDB (dynoxide)', { registry: () => dynoxide.registry });
});
