// How does a key store come into being and get connected? Step by step from whatever is there, so that a run that was killed
// goes on where it ended. The password goes to KMS and nowhere else.
import { findStore, nextStep, type KeyStoreOrder } from '../../shared/governance/key-store-plan.ts';
import type { Clock, KeyStore, KeyStoreAnswer, KeyStores } from '../../shared/ports.ts';
import type { Terminal } from '../terminal.ts';

export interface ConnectWorld {
  readonly keyStores: KeyStores;
  readonly clock: Clock;
  readonly terminal: Pick<Terminal, 'step'>;
  /** Asked only when KMS is to be told one. */
  readonly password: () => Promise<string>;
}

export type ConnectResult =
  | { readonly result: 'connected'; readonly keyStore: string }
  | { readonly result: 'failed'; readonly code: string; readonly happened: string; readonly toDo: string };

/** Returns when the key store is connected, or says why it will not be. Throws when it takes too long: run it again. */
export async function connectKeyStore(order: KeyStoreOrder, world: ConnectWorld): Promise<ConnectResult> {
  const tried = new Set<string>();
  const until = Date.parse(world.clock.now()) + PATIENCE_MS;
  while (Date.parse(world.clock.now()) < until) {
    const stores = await world.keyStores.list();
    const store = findStore(order, stores);
    const next = nextStep(order, stores, tried);
    if (next.step === 'finished') return { result: 'connected', keyStore: store?.id ?? '' };
    if (next.step === 'failed') return { ...next, result: 'failed' };
    if (next.step === 'wait') {
      // Somebody began to connect, we ourselves before we were killed perhaps: what comes of it is told, not repeated.
      if (store?.connection === 'CONNECTING') tried.add('connect');
      await wait(order, { connection: store?.connection, until }, world);
      continue;
    }
    tried.add(next.step);
    const answer = await act(next.step, { order, store }, world);
    if (!(await isPassing(answer, order, world)))
      return { result: 'failed', code: answer, happened: PROBLEMS[answer], toDo: 'change that and run this again' };
  }
  throw new Error(
    `the key store was not connected after ${PATIENCE_MS / 60_000} minutes; run this again to go on waiting`,
  );
}

interface Subject {
  readonly order: KeyStoreOrder;
  readonly store: KeyStore | undefined;
}

type Act = 'create' | 'set-password' | 'connect' | 'disconnect';

async function act(step: Act, { order, store }: Subject, world: ConnectWorld): Promise<KeyStoreAnswer> {
  const { keyStores, terminal } = world;
  const { name, clusterId, trustAnchor } = order;
  const id = store?.id ?? '';
  // Before the step: whoever types must not be talked to meanwhile.
  const password = step === 'create' || step === 'set-password' ? await world.password() : '';
  const acts = {
    create: () => keyStores.create({ name, clusterId, trustAnchor, password }),
    'set-password': () => keyStores.setPassword(id, password),
    connect: () => keyStores.connect(id),
    disconnect: () => keyStores.disconnect(id),
  };
  return terminal.step(`${TITLES[step]} "${name}"`, acts[step]);
}

interface Wait {
  readonly connection: string | undefined;
  readonly until: number;
}

/** Until the connection is another one, or patience is over. */
async function wait(order: KeyStoreOrder, { connection, until }: Wait, world: ConnectWorld): Promise<void> {
  const { clock, keyStores, terminal } = world;
  const title = `waiting for AWS KMS: the key store is ${connection ?? 'not listed yet'}; connecting may take 20 minutes`;
  await terminal.step(title, async (note) => {
    while (Date.parse(clock.now()) < until) {
      await clock.pause(PAUSE_MS);
      const present = findStore(order, await keyStores.list())?.connection;
      if (present !== connection) return;
      note(`still ${present ?? 'not listed'}`);
    }
  });
}

/**
 * Whether the next look may go on. The connection may have moved between a look and a call; and KMS says that the name or the
 * cluster is in use where the very key store that was wanted is there: its making was answered once before, to nobody.
 */
async function isPassing(answer: KeyStoreAnswer, order: KeyStoreOrder, { keyStores }: ConnectWorld): Promise<boolean> {
  if (answer === 'name-in-use' || answer === 'cluster-in-use')
    return findStore(order, await keyStores.list()) !== undefined;
  return answer === 'done' || answer === 'status-differs';
}

const TITLES: Readonly<Record<Act, string>> = {
  create: 'creating the key store',
  'set-password': 'telling KMS the new password of kmsuser for',
  connect: 'connecting the key store',
  disconnect: 'disconnecting, so that it can be connected anew, the key store',
};
const PROBLEMS: Readonly<Record<KeyStoreAnswer, string>> = {
  done: 'nothing',
  'name-in-use': 'another key store of this account and Region has the name',
  'cluster-in-use': 'the cluster, or one that shares its backups, has a key store already',
  'cluster-unknown': 'KMS does not find the cluster in this account and Region',
  'cluster-not-active': 'the cluster is not ACTIVE',
  'cluster-misconfigured':
    'the cluster is not as KMS needs it: private subnets in two Availability Zones, TCP 2223 to 2225 within its security group, enough active HSMs',
  'trust-anchor-differs': 'the trust anchor is not the one with which the cluster was initialised',
  'limit-reached': 'the account has as many key stores as it may have',
  'store-unknown': 'the key store is gone',
  'status-differs': 'the key store is in another state than it was a moment ago',
};
const PAUSE_MS = 10_000;
/** KMS says that connecting takes up to 20 minutes. */
const PATIENCE_MS = 30 * 60_000;
