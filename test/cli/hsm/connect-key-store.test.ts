// Does a key store get connected from wherever an attempt ended, with no call too many, and does a failure say what to do?
import { beforeEach, describe, expect, test } from 'vitest';

import { connectKeyStore } from '../../../cli/hsm/connect-key-store.ts';
import type { KeyStoreOrder } from '../../../shared/governance/key-store-plan.ts';
import type { HsmCluster } from '../../../shared/ports.ts';
import { FixedClock } from '../../fakes/fixed-clock.ts';
import { MemoryHsmFleet } from '../../fakes/memory-hsm-fleet.ts';
import { MemoryKeyStores } from '../../fakes/memory-key-stores.ts';
import { faultPoints, plan, type FaultPoint } from '../../functions/every-fault.ts';
import { CLUSTER, makeCluster, makeCustomerAuthority, makeKeyStore } from '../../pki/hsm-cluster.ts';

const PASSWORD = 'kmsPswd2026';

let order: KeyStoreOrder;
let cluster: HsmCluster;
let world: ReturnType<typeof makeWorld>;

beforeEach(async () => {
  const anchor = await makeCustomerAuthority();
  cluster = await makeCluster(anchor);
  const trustAnchor = anchor.pem;
  order = { name: 'ward', clusterId: CLUSTER, trustAnchor, region: 'eu-central-1', passwordChanged: false };
  world = makeWorld();
});

function makeWorld() {
  const fleet = new MemoryHsmFleet();
  fleet.seed(cluster);
  const keyStores = new MemoryKeyStores(fleet);
  const titles: string[] = [];
  const asked: string[] = [];
  return {
    fleet,
    keyStores,
    clock: new FixedClock(),
    titles,
    asked,
    terminal: {
      step: <T>(title: string, run: (note: (line: string) => void) => Promise<T>) => {
        titles.push(title);
        return run((line) => titles.push(line));
      },
    },
    password: () => {
      asked.push('password');
      return Promise.resolve(PASSWORD);
    },
  };
}

const acts = () => world.keyStores.calls.filter((call) => call !== 'list');
const state = () => world.keyStores.stores().map(({ name, connection, errorCode }) => [name, connection, errorCode]);
const CONNECTED = [['ward', 'CONNECTED', undefined]];

test('creates, connects and waits; the password is asked once and told to nobody but KMS', async () => {
  expect(await connectKeyStore(order, world)).toMatchObject({ result: 'connected' });
  expect(acts()).toEqual(['create', 'connect']);
  expect(state()).toEqual(CONNECTED);
  expect(world.asked).toEqual(['password']);
  expect(world.titles.join('\n')).not.toContain(PASSWORD);
  expect(world.titles).toContain('creating the key store "ward"');
});

test('one that is connected is left as it is, and no password is asked', async () => {
  await connectKeyStore(order, world);
  expect(await connectKeyStore({ ...order, passwordChanged: true }, world)).toMatchObject({ result: 'connected' });
  expect(acts()).toEqual(['create', 'connect']);
  expect(world.asked).toEqual(['password']);
});

describe('killed at any call, lost or kept, and run again', () => {
  const scenes: Readonly<Record<string, () => void>> = {
    'from nothing': () => undefined,
    'from a failure of KMS': () => {
      world.keyStores.seed(makeKeyStore({ connection: 'FAILED', errorCode: 'INTERNAL_ERROR' }));
    },
    'from a disconnected one': () => {
      world.keyStores.seed(makeKeyStore({ connection: 'DISCONNECTED' }));
    },
    'with a new password': () => {
      world.keyStores.seed(makeKeyStore({ connection: 'FAILED', errorCode: 'INVALID_CREDENTIALS' }), 'old2026');
      order = { ...order, passwordChanged: true };
    },
  };

  test.each(Object.keys(scenes))('%s it ends connected, with one key store', async (scene) => {
    const start = () => {
      world = makeWorld();
      scenes[scene]?.();
    };
    start();
    const points = await faultPoints({ keyStores: world.keyStores }, () => connectKeyStore(order, world));
    expect(points.length).toBeGreaterThan(8);
    for (const point of points) {
      start();
      await killAndRerun(point);
      expect(state(), JSON.stringify(point)).toEqual(CONNECTED);
    }
  });

  async function killAndRerun(point: FaultPoint): Promise<void> {
    plan({ keyStores: world.keyStores }, point);
    await expect(connectKeyStore(order, world)).rejects.toThrow('told to fail');
    expect(await connectKeyStore(order, world)).toMatchObject({ result: 'connected' });
  }
});

test('a failure of KMS itself is tried once more from the start, and told when it comes again', async () => {
  world.keyStores.seed(makeKeyStore({ connection: 'FAILED', errorCode: 'INTERNAL_ERROR' }));
  world.keyStores.failure = 'NETWORK_ERRORS';
  expect(await connectKeyStore(order, world)).toMatchObject({
    result: 'failed',
    code: 'NETWORK_ERRORS',
    toDo: expect.stringContaining('TCP 2223 to 2225') as string,
  });
  expect(acts()).toEqual(['disconnect', 'connect']);
});

test('a wrong password is tried once: another try brings kmsuser nearer to its lock-out', async () => {
  world.keyStores.kmsuserPassword = 'another2026';
  for (let run = 0; run < 2; run += 1)
    expect(await connectKeyStore(order, world)).toMatchObject({ result: 'failed', code: 'INVALID_CREDENTIALS' });
  expect(acts()).toEqual(['create', 'connect']);
});

test('with the password set anew KMS is told, between disconnecting and connecting', async () => {
  world.keyStores.seed(makeKeyStore({ connection: 'FAILED', errorCode: 'USER_LOCKED_OUT' }), 'old2026');
  expect(await connectKeyStore({ ...order, passwordChanged: true }, world)).toMatchObject({ result: 'connected' });
  expect(acts()).toEqual(['disconnect', 'setPassword', 'connect']);
});

test('a connection that somebody began is waited for, and its failure is told without another try', async () => {
  world.keyStores.seed(makeKeyStore({ connection: 'DISCONNECTED' }));
  await world.keyStores.connect('cks-1234567890abcdef0');
  world.keyStores.failure = 'INTERNAL_ERROR';
  expect(await connectKeyStore(order, world)).toMatchObject({ result: 'failed', code: 'INTERNAL_ERROR' });
  expect(acts()).toEqual(['connect']);
});

test('one that is being disconnected is waited for first', async () => {
  world.keyStores.seed(makeKeyStore());
  await world.keyStores.disconnect('cks-1234567890abcdef0');
  expect(await connectKeyStore(order, world)).toMatchObject({ result: 'connected' });
  expect(acts()).toEqual(['disconnect', 'connect']);
});

test('a key store that another run of the same order made meanwhile is gone on with', async () => {
  const { keyStores } = world;
  const create = keyStores.create.bind(keyStores);
  keyStores.create = async (wish) => {
    await create(wish);
    return create(wish);
  };
  expect(await connectKeyStore(order, world)).toMatchObject({ result: 'connected' });
  expect(state()).toEqual(CONNECTED);
});

test('a call whose answer was lost and that the client repeated by itself meets its own result, and is gone on with', async () => {
  const { keyStores } = world;
  keyStores.seed(makeKeyStore({ connection: 'FAILED', errorCode: 'INTERNAL_ERROR' }));
  const disconnect = keyStores.disconnect.bind(keyStores);
  keyStores.disconnect = async (id) => {
    await disconnect(id);
    return disconnect(id);
  };
  expect(await connectKeyStore(order, world)).toMatchObject({ result: 'connected' });
  expect(acts()).toEqual(['disconnect', 'disconnect', 'connect']);
});

test('what KMS refuses is told by its name, and nothing is connected', async () => {
  world.keyStores.seed(makeKeyStore({ id: 'cks-other', clusterId: 'cluster-other' }));
  expect(await connectKeyStore(order, world)).toMatchObject({ result: 'failed', code: 'name-in-use' });
  world = makeWorld();
  world.keyStores.most = 0;
  expect(await connectKeyStore(order, world)).toMatchObject({ result: 'failed', code: 'limit-reached' });
  world = makeWorld();
  world.keyStores.seed(makeKeyStore({ connection: 'DISCONNECTED' }));
  world.fleet.seed({ ...cluster, hsms: [] });
  expect(await connectKeyStore(order, world)).toMatchObject({ result: 'failed', code: 'cluster-misconfigured' });
  expect(acts()).toEqual(['connect']);
});

test('waits for half an hour at most, looking every ten seconds, and says that it can be run again', async () => {
  world.keyStores.patience = 10_000;
  await expect(connectKeyStore(order, world)).rejects.toThrow('after 30 minutes; run this again');
  const waited = world.clock.pauses.reduce((sum, pause) => sum + pause, 0);
  expect([waited, new Set(world.clock.pauses)]).toEqual([1_800_000, new Set([10_000])]);
  expect(acts()).toEqual(['create', 'connect']);
  world.keyStores.patience = 1;
});
