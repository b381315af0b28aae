// What must every view of AWS CloudHSM tell? All clusters and all backups, with everything that a diagnosis is made from.
import { describe, expect, test } from 'vitest';

import type { HsmBackup, HsmCluster, HsmFleet } from '../../shared/ports.ts';
import { CLUSTER, makeBackup, makeCluster, makeCustomerAuthority, OTHER_CLUSTER } from '../pki/hsm-cluster.ts';

export interface HsmFleetStage {
  readonly fleet: () => HsmFleet;
  /** Puts a cluster there with its backups. */
  readonly put: (cluster: HsmCluster, backups?: readonly HsmBackup[]) => void;
}

export function hsmFleetContract(name: string, { fleet, put }: HsmFleetStage): void {
  describe(`HSM fleet contract: ${name}`, () => {
    test('there is none to begin with', async () => {
      expect(await fleet().clusters()).toEqual([]);
      expect(await fleet().backups(CLUSTER)).toEqual([]);
    });

    test('tells every cluster, also on later pages, with its mode and all of its HSMs', async () => {
      const anchor = await makeCustomerAuthority();
      const bare = { retentionDays: undefined, securityGroup: undefined, mode: undefined };
      const changes = { ...bare, certificate: undefined, status: 'UNINITIALIZED', hsms: [], subnets: {} };
      const clusters = [await makeCluster(anchor), await makeCluster(anchor, { ...changes, id: OTHER_CLUSTER })];
      for (const cluster of clusters) put(cluster);
      expect(await fleet().clusters()).toEqual(clusters);
    });

    test('tells every backup of a cluster and of no other, and none that is deleted', async () => {
      const anchor = await makeCustomerAuthority();
      const backups = [
        makeBackup(),
        makeBackup({ id: 'backup-2', status: 'PENDING_DELETION', goneAt: '2026-11-30T00:00:00.500Z' }),
        makeBackup({ id: 'backup-3', status: 'CREATE_IN_PROGRESS' }),
      ];
      put(await makeCluster(anchor), [...backups, makeBackup({ id: 'backup-4', status: 'DELETED' })]);
      put(await makeCluster(anchor, { id: OTHER_CLUSTER }), [makeBackup({ id: 'backup-5' })]);
      expect(await fleet().backups(CLUSTER)).toEqual(backups);
    });

    test('a status that nobody knows comes as it is', async () => {
      put(await makeCluster(await makeCustomerAuthority(), { status: 'ON_HOLIDAY' }));
      expect(await fleet().clusters()).toMatchObject([{ status: 'ON_HOLIDAY' }]);
    });
  });
}
