// What must be so before KMS makes a key store on a cluster, and what is the next step from wherever an attempt ended?
import { beforeAll, describe, expect, test } from 'vitest';

import {
  checkPreconditions,
  isKeyStorePassword,
  nextStep,
  questionsFor,
  type KeyStoreFacts,
  type KeyStoreOrder,
} from '../../../shared/governance/key-store-plan.ts';
import type { HsmCluster } from '../../../shared/ports.ts';
import { makeDevice, type Party } from '../../pki/certificates.ts';
import { CLUSTER, makeCluster, makeCustomerAuthority, makeKeyStore, OTHER_CLUSTER } from '../../pki/hsm-cluster.ts';

let anchor: Party;
let other: Party;
let cluster: HsmCluster;
let order: KeyStoreOrder;
beforeAll(async () => {
  [anchor, other] = [await makeCustomerAuthority(), await makeCustomerAuthority('Another CA')];
  cluster = await makeCluster(anchor);
  const trustAnchor = anchor.pem;
  order = { name: 'ward', clusterId: CLUSTER, trustAnchor, region: 'eu-central-1', passwordChanged: false };
});

function problems(changes: Partial<KeyStoreOrder>, facts: Partial<KeyStoreFacts> = {}): readonly string[] {
  const world = { clusters: [cluster], keyStores: [], ...facts };
  return checkPreconditions({ ...order, ...changes }, world).flatMap(({ title, problem }) =>
    problem === undefined ? [] : [`${title}: ${problem}`],
  );
}

const ONE_ZONE = [{ id: 'hsm-a', status: 'ACTIVE', zone: 'eu-central-1a' }];

describe('preconditions', () => {
  test('all are met by a healthy cluster and the certificate with which it was initialised', () => {
    expect(problems({})).toEqual([]);
  });

  test('none is left out: so many are asked', () => {
    expect(checkPreconditions(order, { clusters: [cluster], keyStores: [] })).toHaveLength(10);
    expect(checkPreconditions(order, { clusters: [cluster], keyStores: [makeKeyStore()] })).toHaveLength(11);
  });

  test.each(['ap-southeast-4', 'cn-north-1', 'eu-south-2'])('there are no key stores on CloudHSM in %s', (region) => {
    expect(problems({ region })).toEqual([`the Region has CloudHSM key stores: there are none in ${region}`]);
  });

  test.each(['', 'n'.repeat(257)])('the name "%s" is none', (name) => {
    expect(problems({ name })).toEqual(['the name is one that KMS takes: expected 1 to 256 characters']);
  });

  test('a cluster that is not there', () => {
    expect(problems({ clusterId: 'cluster-absent' })).toEqual([
      'the cluster exists: there is no cluster-absent in eu-central-1',
    ]);
  });

  test.each(['UNINITIALIZED', 'INITIALIZED', 'DEGRADED', 'UPDATE_IN_PROGRESS', 'DELETED'])(
    'a cluster that is %s',
    (status) => {
      expect(problems({}, { clusters: [{ ...cluster, status }] })).toEqual([`the cluster is ACTIVE: it is ${status}`]);
    },
  );

  test('subnets in one zone', () => {
    const clusters = [{ ...cluster, subnets: { 'eu-central-1a': 'subnet-1' } }];
    expect(problems({}, { clusters })).toEqual(['it has subnets in two Availability Zones: expected 2 or more, got 1']);
  });

  test('active HSMs in one zone, for a key store that is not there yet', () => {
    const clusters = [{ ...cluster, hsms: ONE_ZONE }];
    expect(problems({}, { clusters })).toEqual([
      'it has active HSMs in two Availability Zones: expected 2 or more, got 1',
    ]);
  });

  test('one that is there needs one active HSM to connect', () => {
    const keyStores = [makeKeyStore({ connection: 'DISCONNECTED' })];
    expect(problems({}, { clusters: [{ ...cluster, hsms: ONE_ZONE }], keyStores })).toEqual([]);
    expect(problems({}, { clusters: [{ ...cluster, hsms: [] }], keyStores })).toEqual([
      'it has an active HSM: expected 1 or more, got 0',
    ]);
  });

  test('a key store of the same name on another cluster is refused, and one of another name on this cluster', () => {
    const elsewhere = makeKeyStore({ clusterId: OTHER_CLUSTER });
    const called = makeKeyStore({ name: 'clinic' });
    for (const store of [elsewhere, called])
      expect(problems({}, { keyStores: [store] })).toEqual([
        `no other key store has this name or this cluster: ${store.id} is "${store.name}" on ${store.clusterId}`,
      ]);
    expect(
      problems({}, { keyStores: [makeKeyStore(), makeKeyStore({ name: 'x', clusterId: OTHER_CLUSTER })] }),
    ).toEqual([]);
  });

  test('a cluster that shares its backups with one that has a key store', () => {
    const relative = { ...cluster, id: OTHER_CLUSTER, certificate: `${cluster.certificate ?? ''}\n` };
    const keyStores = [makeKeyStore({ name: 'clinic', clusterId: OTHER_CLUSTER })];
    expect(problems({}, { clusters: [cluster, relative], keyStores })).toEqual([
      `no cluster of a common history has a key store: ${OTHER_CLUSTER} has "clinic" and shares its backups`,
    ]);
    const stranger = { ...relative, certificate: undefined };
    expect(problems({}, { clusters: [cluster, stranger], keyStores })).toEqual([]);
  });

  test('a key store that was made with another trust anchor', () => {
    expect(problems({}, { keyStores: [makeKeyStore({ trustAnchor: other.pem })] })).toEqual([
      'the key store that is there has this trust anchor: it was made with another',
    ]);
    expect(problems({}, { keyStores: [makeKeyStore({ trustAnchor: `\n${anchor.pem}` })] })).toEqual([]);
  });

  test('a cluster that has no certificate yet, which shares nothing with others that have none', () => {
    const clusters = [CLUSTER, OTHER_CLUSTER].map((id) => ({ ...cluster, id, certificate: undefined }));
    const keyStores = [makeKeyStore({ name: 'clinic', clusterId: OTHER_CLUSTER })];
    expect(problems({}, { clusters, keyStores })).toEqual([
      'the trust anchor has signed the certificate of the cluster: the cluster has no certificate yet: it is not initialised',
    ]);
  });
});

describe('a trust anchor', () => {
  const SELF = 'the trust anchor is one self-signed certificate';
  const SIGNED =
    'the trust anchor has signed the certificate of the cluster: another key has signed it: is this the customerCA.crt of this cluster?';

  test('that another key has signed is none', async () => {
    const { pem } = await makeDevice(other, 'intermediate');
    expect(problems({ trustAnchor: pem })).toEqual([`${SELF}: another key has signed it`, SIGNED]);
  });

  test('of another cluster is refused before KMS would', () => {
    expect(problems({ trustAnchor: other.pem })).toEqual([SIGNED]);
  });

  test('that comes with a second certificate is none, whichever comes first', () => {
    for (const trustAnchor of [`${anchor.pem}\n${other.pem}`, `${other.pem}\n${anchor.pem}`])
      expect(problems({ trustAnchor })).toContain(`${SELF}: expected one certificate in PEM, got 2 blocks`);
  });

  test('of more than 5000 characters is none', () => {
    const trustAnchor = `${anchor.pem}${' '.repeat(5001 - anchor.pem.length)}`;
    expect(problems({ trustAnchor })).toEqual([`${SELF}: expected at most 5000 characters, got 5001`]);
    expect(problems({ trustAnchor: trustAnchor.slice(0, 5000) })).toEqual([]);
  });

  test.each(['', 'text', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'])(
    '"%s" is none',
    (trustAnchor) => {
      expect(problems({ trustAnchor }).join()).toContain(`${SELF}: expected one certificate in PEM`);
    },
  );
});

test('what AWS does not say is asked of a person: kmsuser, mutual TLS, the security group and the subnets, each with a command', () => {
  const commands = questionsFor(cluster).map(({ command }) => command);
  expect(commands).toEqual([
    'cloudhsm-cli: user list',
    'cloudhsm-cli: cluster mtls get-enforcement',
    'aws ec2 describe-security-groups --group-ids sg-1',
    'aws ec2 describe-subnets --subnet-ids subnet-1 subnet-2',
  ]);
});

test.each<
  [connection: string, changes: { errorCode?: string; passwordChanged?: boolean; tried?: string[] }, step: string]
>([
  ['absent', {}, 'create'],
  ['absent', { tried: ['create'] }, 'wait'], // KMS is asked once; its list may be late
  ['DISCONNECTED', {}, 'connect'],
  ['DISCONNECTED', { tried: ['create'] }, 'connect'],
  ['DISCONNECTED', { tried: ['connect'] }, 'wait'],
  ['DISCONNECTED', { passwordChanged: true }, 'set-password'],
  ['DISCONNECTED', { passwordChanged: true, tried: ['set-password'] }, 'connect'],
  ['CONNECTING', {}, 'wait'],
  ['DISCONNECTING', {}, 'wait'],
  ['CONNECTED', {}, 'finished'],
  ['CONNECTED', { passwordChanged: true }, 'finished'],
  ['FAILED', { errorCode: 'INTERNAL_ERROR' }, 'disconnect'],
  ['FAILED', { errorCode: 'INTERNAL_ERROR', tried: ['disconnect'] }, 'wait'],
  ['FAILED', { errorCode: 'INTERNAL_ERROR', tried: ['connect'] }, 'failed'],
  ['FAILED', { errorCode: 'INVALID_CREDENTIALS' }, 'failed'], // another try brings kmsuser nearer to its lock-out
  ['FAILED', { errorCode: 'USER_LOCKED_OUT' }, 'failed'],
  ['FAILED', { errorCode: 'USER_LOGGED_IN' }, 'failed'],
  ['FAILED', { errorCode: 'USER_NOT_FOUND' }, 'failed'],
  ['FAILED', { errorCode: 'INVALID_CREDENTIALS', passwordChanged: true }, 'disconnect'],
  ['FAILED', {}, 'disconnect'],
  ['ON_HOLIDAY', {}, 'failed'],
])('from %s with %j the next step is %s', (connection, { errorCode, passwordChanged = false, tried = [] }, step) => {
  const stores = connection === 'absent' ? [] : [makeKeyStore({ connection, errorCode })];
  expect(nextStep({ ...order, passwordChanged }, stores, new Set(tried)).step).toBe(step);
});

test.each([
  ['kmsPswd', true],
  ['a'.repeat(32), true],
  ['a'.repeat(6), false],
  ['a'.repeat(33), false],
  ['kms-Pswd1', false],
  ['kmsPswd1\n', false],
  ['kmsPswdé', false],
])('whether "%s" can be the password of kmsuser: %s', (text, fits) => {
  expect(isKeyStorePassword(text)).toBe(fits);
});
