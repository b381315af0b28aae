// Key stores of AWS KMS in memory, on a fleet in memory: KMS's own rules of what may follow what, a connection that takes its
// time, and a password that KMS itself changes when it connects.
import { X509Certificate } from 'node:crypto';

import type { KeyStore, KeyStoreAnswer, KeyStores, KeyStoreWish } from '../../shared/ports.ts';
import { Faults, type PlannedFault } from './faults.ts';
import type { MemoryHsmFleet } from './memory-hsm-fleet.ts';

type Method = 'list' | 'create' | 'setPassword' | 'connect' | 'disconnect';

interface Held {
  readonly store: KeyStore;
  /** What KMS believes is the password of kmsuser. */
  readonly password: string;
  /** How many looks until what has begun is over. */
  readonly looks: number;
}

export class MemoryKeyStores implements KeyStores {
  readonly #fleet: MemoryHsmFleet;
  readonly #stores = new Map<string, Held>();
  readonly #faults = new Faults<Method>();
  /** Of kmsuser, in the cluster. */
  kmsuserPassword = 'kmsPswd2026';
  /** What ends the next connection, whatever else; undefined: nothing. */
  failure: string | undefined;
  /** How many looks a connection takes. */
  patience = 2;
  most = 10;

  constructor(fleet: MemoryHsmFleet) {
    this.#fleet = fleet;
  }

  get calls(): readonly Method[] {
    return this.#faults.calls;
  }

  failNext(fault: PlannedFault<Method>): void {
    this.#faults.failNext(fault);
  }

  /** Sets the scene. */
  seed(store: KeyStore, password = this.kmsuserPassword): void {
    this.#stores.set(store.id, { store, password, looks: 0 });
  }

  /** For a test to look at, without a call. */
  stores(): readonly KeyStore[] {
    return [...this.#stores.values()].map(({ store }) => store);
  }

  /** Each look brings what has begun nearer to its end. */
  list(): Promise<readonly KeyStore[]> {
    return this.#faults.run('list', () => {
      const seen = this.stores();
      for (const held of this.#stores.values()) this.#stores.set(held.store.id, this.#advance(held));
      return structuredClone([...seen]);
    });
  }

  create(wish: KeyStoreWish): Promise<KeyStoreAnswer> {
    return this.#faults.run('create', () => {
      const problem = this.#judge(wish);
      if (problem !== 'done') return problem;
      const { name, clusterId, trustAnchor, password } = wish;
      const id = `cks-${String(this.#stores.size + 1).padStart(17, '0')}`;
      this.seed({ id, name, clusterId, trustAnchor, connection: 'DISCONNECTED', errorCode: undefined }, password);
      return 'done';
    });
  }

  setPassword(id: string, password: string): Promise<KeyStoreAnswer> {
    return this.#faults.run('setPassword', () => this.#change(id, ['DISCONNECTED'], (held) => ({ ...held, password })));
  }

  connect(id: string): Promise<KeyStoreAnswer> {
    return this.#faults.run('connect', () => {
      const clusterId = this.#stores.get(id)?.store.clusterId ?? '';
      if (this.#stores.has(id) && this.#activeZones(clusterId) < 1) return 'cluster-misconfigured';
      return this.#change(id, ['DISCONNECTED', 'CONNECTED', 'CONNECTING'], (held) =>
        held.store.connection === 'DISCONNECTED' ? this.#move(held, 'CONNECTING') : held,
      );
    });
  }

  disconnect(id: string): Promise<KeyStoreAnswer> {
    return this.#faults.run('disconnect', () =>
      this.#change(id, ['CONNECTED', 'CONNECTING', 'FAILED'], (held) => this.#move(held, 'DISCONNECTING')),
    );
  }

  /** In the order in which nothing is told of other people's key stores. */
  #judge({ name, clusterId, trustAnchor }: KeyStoreWish): KeyStoreAnswer {
    const cluster = this.#fleet.find(clusterId);
    if (cluster === undefined) return 'cluster-unknown';
    if (this.stores().some((store) => store.name === name)) return 'name-in-use';
    const related = this.stores().map((store) => this.#fleet.find(store.clusterId)?.certificate);
    if (related.includes(cluster.certificate)) return 'cluster-in-use';
    if (cluster.status !== 'ACTIVE') return 'cluster-not-active';
    if (this.#activeZones(clusterId) < 2 || Object.keys(cluster.subnets).length < 2) return 'cluster-misconfigured';
    if (!hasSigned(trustAnchor, cluster.certificate)) return 'trust-anchor-differs';
    return this.#stores.size >= this.most ? 'limit-reached' : 'done';
  }

  #activeZones(clusterId: string): number {
    const hsms = this.#fleet.find(clusterId)?.hsms ?? [];
    return new Set(hsms.filter(({ status }) => status === 'ACTIVE').map(({ zone }) => zone)).size;
  }

  #change(id: string, from: readonly string[], change: (held: Held) => Held): KeyStoreAnswer {
    const held = this.#stores.get(id);
    if (held === undefined) return 'store-unknown';
    if (!from.includes(held.store.connection)) return 'status-differs';
    this.#stores.set(id, change(held));
    return 'done';
  }

  #move(held: Held, connection: string, errorCode?: string): Held {
    return { ...held, store: { ...held.store, connection, errorCode }, looks: this.patience };
  }

  #advance(held: Held): Held {
    const { connection } = held.store;
    if (!connection.endsWith('ING')) return held;
    if (held.looks > 1) return { ...held, looks: held.looks - 1 };
    return connection === 'CONNECTING' ? this.#login(held) : this.#move(held, 'DISCONNECTED');
  }

  /** KMS logs in and changes the password at once: from now on only KMS knows it. */
  #login(held: Held): Held {
    const wrong = held.password === this.kmsuserPassword ? undefined : 'INVALID_CREDENTIALS';
    const failure = this.failure ?? wrong;
    this.failure = undefined;
    if (failure !== undefined) return this.#move(held, 'FAILED', failure);
    this.kmsuserPassword = `changed by KMS: ${this.kmsuserPassword}`;
    return { ...this.#move(held, 'CONNECTED'), password: this.kmsuserPassword };
  }
}

function hasSigned(anchor: string, certificate: string | undefined): boolean {
  if (certificate === undefined) return false;
  try {
    return new X509Certificate(certificate).verify(new X509Certificate(anchor).publicKey);
  } catch {
    return false;
  }
}
