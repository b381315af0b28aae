// AWS CloudHSM in memory: what a test puts there, as the service would describe it.
import type { HsmBackup, HsmCluster, HsmFleet } from '../../shared/ports.ts';
import { Faults, type PlannedFault } from './faults.ts';

type Method = 'clusters' | 'backups';

export class MemoryHsmFleet implements HsmFleet {
  readonly #clusters = new Map<string, HsmCluster>();
  readonly #backups = new Map<string, HsmBackup[]>();
  readonly #faults = new Faults<Method>();

  get calls(): readonly Method[] {
    return this.#faults.calls;
  }

  failNext(fault: PlannedFault<Method>): void {
    this.#faults.failNext(fault);
  }

  /** Sets the scene: this cluster instead of the one that was there. */
  seed(cluster: HsmCluster, backups: readonly HsmBackup[] = []): void {
    this.#clusters.set(cluster.id, structuredClone(cluster));
    this.#backups.set(cluster.id, structuredClone([...backups]));
  }

  /** For who speaks in the service's place: everything that was put there, deleted or not. */
  held(): readonly { readonly cluster: HsmCluster; readonly backups: readonly HsmBackup[] }[] {
    return [...this.#clusters.values()].map((cluster) => ({ cluster, backups: this.#backups.get(cluster.id) ?? [] }));
  }

  find(id: string): HsmCluster | undefined {
    return this.#clusters.get(id);
  }

  clusters(): Promise<readonly HsmCluster[]> {
    return this.#faults.run('clusters', () => structuredClone([...this.#clusters.values()]));
  }

  backups(clusterId: string): Promise<readonly HsmBackup[]> {
    return this.#faults.run('backups', () =>
      structuredClone((this.#backups.get(clusterId) ?? []).filter(({ status }) => status !== 'DELETED')),
    );
  }
}
