// Key stores of AWS KMS that stand on AWS CloudHSM. Decides nothing, and lets no password into an error.
import {
  ConnectCustomKeyStoreCommand,
  CreateCustomKeyStoreCommand,
  DisconnectCustomKeyStoreCommand,
  UpdateCustomKeyStoreCommand,
  paginateDescribeCustomKeyStores,
  type CustomKeyStoresListEntry,
  type KMSClient,
} from '@aws-sdk/client-kms';

import { Fault } from '../outcome.ts';
import type { KeyStore, KeyStoreAnswer, KeyStoreProblem, KeyStores, KeyStoreWish } from '../ports.ts';

export function kmsKeyStores(client: KMSClient): KeyStores {
  return {
    list: () => list(client),
    create: (wish) => withoutSecret(wish.password, create(client, wish)),
    setPassword: (CustomKeyStoreId, KeyStorePassword) => {
      const command = new UpdateCustomKeyStoreCommand({ CustomKeyStoreId, KeyStorePassword });
      return withoutSecret(KeyStorePassword, answer(client.send(command)));
    },
    connect: (CustomKeyStoreId) => answer(client.send(new ConnectCustomKeyStoreCommand({ CustomKeyStoreId }))),
    disconnect: (CustomKeyStoreId) => answer(client.send(new DisconnectCustomKeyStoreCommand({ CustomKeyStoreId }))),
  };
}

async function list(client: KMSClient): Promise<readonly KeyStore[]> {
  const stores: KeyStore[] = [];
  for await (const { CustomKeyStores = [] } of paginateDescribeCustomKeyStores({ client }, {})) {
    // The other kind, EXTERNAL_KEY_STORE, stands on somebody's proxy.
    const ours = CustomKeyStores.filter(({ CustomKeyStoreType }) => CustomKeyStoreType === 'AWS_CLOUDHSM');
    stores.push(...ours.map(readStore));
  }
  return stores;
}

function readStore(entry: CustomKeyStoresListEntry): KeyStore {
  const { TrustAnchorCertificate, ConnectionErrorCode } = entry;
  return {
    id: need(entry, 'CustomKeyStoreId'),
    name: need(entry, 'CustomKeyStoreName'),
    clusterId: need(entry, 'CloudHsmClusterId'),
    trustAnchor: TrustAnchorCertificate,
    connection: need(entry, 'ConnectionState'),
    errorCode: ConnectionErrorCode,
  };
}

type Needed = 'CustomKeyStoreId' | 'CustomKeyStoreName' | 'CloudHsmClusterId' | 'ConnectionState';

function need(entry: CustomKeyStoresListEntry, name: Needed): string {
  const value = entry[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new Fault('answer-malformed', `DescribeCustomKeyStores: expected "${name}"`);
}

function create(client: KMSClient, { name, clusterId, trustAnchor, password }: KeyStoreWish): Promise<KeyStoreAnswer> {
  const command = new CreateCustomKeyStoreCommand({
    CustomKeyStoreName: name,
    CustomKeyStoreType: 'AWS_CLOUDHSM',
    CloudHsmClusterId: clusterId,
    TrustAnchorCertificate: trustAnchor,
    KeyStorePassword: password,
  });
  return answer(client.send(command));
}

async function answer(sent: Promise<unknown>): Promise<KeyStoreAnswer> {
  try {
    await sent;
    return 'done';
  } catch (error) {
    const problem = error instanceof Error ? PROBLEMS.get(error.name) : undefined;
    if (problem === undefined) throw error;
    return problem;
  }
}

/** A service that quotes what it was sent would put the password on a screen or into a log. */
async function withoutSecret<T>(secret: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof Error) || secret === '' || !error.message.includes(secret)) throw error;
    // Without the cause: it still holds the secret.
    throw new Fault('answer-malformed', `AWS KMS: ${error.name}: ${error.message.replaceAll(secret, '[password]')}`);
  }
}

const PROBLEMS: ReadonlyMap<string, KeyStoreProblem> = new Map([
  ['CustomKeyStoreNameInUseException', 'name-in-use'],
  ['CloudHsmClusterInUseException', 'cluster-in-use'],
  ['CloudHsmClusterNotFoundException', 'cluster-unknown'],
  ['CloudHsmClusterNotActiveException', 'cluster-not-active'],
  ['CloudHsmClusterInvalidConfigurationException', 'cluster-misconfigured'],
  ['IncorrectTrustAnchorException', 'trust-anchor-differs'],
  ['LimitExceededException', 'limit-reached'],
  ['CustomKeyStoreNotFoundException', 'store-unknown'],
  ['CustomKeyStoreInvalidStateException', 'status-differs'],
]);
