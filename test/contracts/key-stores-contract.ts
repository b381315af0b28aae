// What must every view of the key stores of AWS KMS do? Make, connect and disconnect them by KMS's own rules, each refusal by
// its name.
import { beforeEach, describe, expect, test } from 'vitest';

import type { KeyStores, KeyStoreWish } from '../../shared/ports.ts';
import type { MemoryHsmFleet } from '../fakes/memory-hsm-fleet.ts';
import type { MemoryKeyStores } from '../fakes/memory-key-stores.ts';
import type { Party } from '../pki/certificates.ts';
import { CLUSTER, makeCluster, makeCustomerAuthority, makeKeyStore, OTHER_CLUSTER } from '../pki/hsm-cluster.ts';

export interface KeyStoresStage {
  readonly stores: () => KeyStores;
  readonly world: () => { readonly fleet: MemoryHsmFleet; readonly memory: MemoryKeyStores };
}

export function keyStoresContract(name: string, { stores, world }: KeyStoresStage): void {
  describe(`key stores contract: ${name}`, () => {
    let anchor: Party;
    let wish: KeyStoreWish;

    beforeEach(async () => {
      anchor = await makeCustomerAuthority();
      const { fleet, memory } = world();
      fleet.seed(await makeCluster(anchor));
      wish = { name: 'ward', clusterId: CLUSTER, trustAnchor: anchor.pem, password: memory.kmsuserPassword };
    });

    const connection = async () => (await stores().list())[0]?.connection;
    const createOne = async () => {
      expect(await stores().create(wish)).toBe('done');
      return (await stores().list())[0]?.id ?? '';
    };
    const lookUntilSettled = async () => {
      for (let look = 0; look < 20 && (await connection())?.endsWith('ING') === true; look += 1);
    };

    test('there is none to begin with', async () => {
      expect(await stores().list()).toEqual([]);
    });

    test('one that is made is disconnected, and holds what it was made with, but for the password', async () => {
      await createOne();
      const { name: called, clusterId, trustAnchor } = wish;
      expect(await stores().list()).toEqual([
        {
          id: expect.stringMatching(/^cks-/) as string,
          ...{ name: called, clusterId, trustAnchor, connection: 'DISCONNECTED', errorCode: undefined },
        },
      ]);
    });

    test('it connects after a while', async () => {
      const id = await createOne();
      expect(await stores().connect(id)).toBe('done');
      expect(await connection()).toBe('CONNECTING');
      expect(await stores().connect(id)).toBe('done'); // again is no harm
      await lookUntilSettled();
      expect(await connection()).toBe('CONNECTED');
    });

    test('a wrong password fails by its code; after that it must be disconnected first, and told the right one', async () => {
      world().memory.kmsuserPassword = 'another2026';
      const id = await createOne();
      await stores().connect(id);
      await lookUntilSettled();
      expect(await stores().list()).toMatchObject([{ connection: 'FAILED', errorCode: 'INVALID_CREDENTIALS' }]);
      expect(await stores().connect(id)).toBe('status-differs');
      expect(await stores().setPassword(id, 'another2026')).toBe('status-differs');
      expect(await stores().disconnect(id)).toBe('done');
      expect(await connection()).toBe('DISCONNECTING');
      expect(await stores().connect(id)).toBe('status-differs');
      await lookUntilSettled();
      expect(await stores().disconnect(id)).toBe('status-differs');
      expect(await stores().setPassword(id, 'another2026')).toBe('done');
      await stores().connect(id);
      await lookUntilSettled();
      expect(await stores().list()).toMatchObject([{ connection: 'CONNECTED', errorCode: undefined }]);
    });

    test('tells every key store, also on later pages', async () => {
      for (const id of ['cks-1', 'cks-2', 'cks-3']) world().memory.seed(makeKeyStore({ id, name: id }));
      expect((await stores().list()).map(({ id }) => id)).toEqual(['cks-1', 'cks-2', 'cks-3']);
    });

    test('no second one of a name, and none on a cluster that has one or shares its backups', async () => {
      await createOne();
      const { fleet } = world();
      fleet.seed({ ...(await makeCluster(anchor)), id: OTHER_CLUSTER });
      expect(await stores().create({ ...wish, clusterId: OTHER_CLUSTER })).toBe('name-in-use');
      expect(await stores().create({ ...wish, name: 'second' })).toBe('cluster-in-use');
      expect(await stores().create({ ...wish, name: 'second', clusterId: OTHER_CLUSTER })).toBe('cluster-in-use');
    });

    test('none on a cluster that is not there, not active, or not as KMS needs it', async () => {
      const { fleet } = world();
      expect(await stores().create({ ...wish, clusterId: 'cluster-absentabsent' })).toBe('cluster-unknown');
      fleet.seed(await makeCluster(anchor, { status: 'DEGRADED' }));
      expect(await stores().create(wish)).toBe('cluster-not-active');
      fleet.seed(await makeCluster(anchor, { hsms: [{ id: 'hsm-1', status: 'ACTIVE', zone: 'eu-central-1a' }] }));
      expect(await stores().create(wish)).toBe('cluster-misconfigured');
    });

    test('none with another trust anchor, and no more than an account may have', async () => {
      const other = await makeCustomerAuthority('Another CA');
      expect(await stores().create({ ...wish, trustAnchor: other.pem })).toBe('trust-anchor-differs');
      world().memory.most = 0;
      expect(await stores().create(wish)).toBe('limit-reached');
    });

    test('one that is not there is named so by every call', async () => {
      expect(await stores().connect('cks-absent')).toBe('store-unknown');
      expect(await stores().disconnect('cks-absent')).toBe('store-unknown');
      expect(await stores().setPassword('cks-absent', 'kmsPswd2026')).toBe('store-unknown');
    });
  });
}
