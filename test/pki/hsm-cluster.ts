// What does a healthy cluster of AWS CloudHSM look like, and who has signed its certificate? For tests to change one thing of.
import type { HsmBackup, HsmCluster, KeyStore } from '../../shared/ports.ts';
import { makeAuthority, makeDevice, type Party } from './certificates.ts';

export const CLUSTER = 'cluster-igklspoyj5v';
export const OTHER_CLUSTER = 'cluster-2bnqkf3w5tq';

/** customerCA.crt: self-signed, made by the customer. */
export function makeCustomerAuthority(name = 'Customer CA'): Promise<Party> {
  return makeAuthority(name);
}

/** Active, with HSMs in two zones, in FIPS mode. */
export async function makeCluster(anchor: Party, changes: Partial<HsmCluster> = {}): Promise<HsmCluster> {
  const id = changes.id ?? CLUSTER;
  return {
    id,
    status: 'ACTIVE',
    hsmType: 'hsm2m.medium',
    mode: 'FIPS',
    retentionDays: 90,
    subnets: { 'eu-central-1a': 'subnet-1', 'eu-central-1b': 'subnet-2' },
    securityGroup: 'sg-1',
    certificate: (await makeDevice(anchor, id)).pem,
    hsms: [
      { id: 'hsm-aaaaaaaaaaa', status: 'ACTIVE', zone: 'eu-central-1a' },
      { id: 'hsm-bbbbbbbbbbb', status: 'ACTIVE', zone: 'eu-central-1b' },
    ],
    ...changes,
  };
}

export function makeBackup(changes: Partial<HsmBackup> = {}): HsmBackup {
  return {
    id: 'backup-ro5c4er4aac',
    status: 'READY',
    createdAt: '2026-11-24T02:00:00.000Z',
    goneAt: undefined,
    ...changes,
  };
}

export function makeKeyStore(changes: Partial<KeyStore> = {}): KeyStore {
  return {
    id: 'cks-1234567890abcdef0',
    name: 'ward',
    clusterId: CLUSTER,
    trustAnchor: undefined,
    connection: 'CONNECTED',
    errorCode: undefined,
    ...changes,
  };
}
