// Do the registry in memory and the one on DynamoDB keep the same promises?
import { afterAll, beforeAll } from 'vitest';

import { MemoryRegistry } from '../fakes/memory-registry.ts';
import { startDynoxide, type Dynoxide } from './dynoxide.ts';
import { registryContract } from './registry-contract.ts';

const memory = new MemoryRegistry();
registryContract('in memory', { registry: () => memory });

let dynoxide: Dynoxide;

beforeAll(async () => {
  dynoxide = await startDynoxide();
});

afterAll(() => dynoxide.stop());

registryContract('DynamoDB (dynoxide)', { registry: () => dynoxide.registry });
