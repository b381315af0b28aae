// What do AWS CloudHSM and KMS say of the clusters, their backups and the key stores on them? One look, for the step that
// watches and for the people who ask.
import type { HsmFleet, KeyStores } from '../ports.ts';
import type { HsmSurvey } from './hsm-health.ts';

export interface HsmWorld {
  readonly fleet: HsmFleet;
  readonly keyStores: KeyStores;
}

/** Of one cluster and its key stores where an id is given. A service that does not answer is a fault, never a good sign. */
export async function surveyHsm({ fleet, keyStores }: HsmWorld, clusterId?: string): Promise<HsmSurvey> {
  const [clusters, stores] = await Promise.all([fleet.clusters(), keyStores.list()]);
  const wanted = clusters.filter(({ id }) => clusterId === undefined || id === clusterId);
  const backups = await Promise.all(wanted.map(async ({ id }) => [id, await fleet.backups(id)] as const));
  return {
    clusters: wanted,
    backups: new Map(backups),
    keyStores: stores.filter((store) => clusterId === undefined || store.clusterId === clusterId),
  };
}
