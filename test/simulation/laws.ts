// What must hold whatever goes wrong? Checked after every transaction and every change of the broker (I1 I2 I3 I5 I7 I9).
import { opensCommitment, parseEntry, type Entry } from '../../shared/ledger/entry.ts';
import { parseDevice } from '../../shared/device-row.ts';
import { MOVES, projectionOf, type Device } from '../../shared/lifecycle.ts';
import type { Attributes, Broker, Change, Registry, RowKey } from '../../shared/ports.ts';
import { parseCertificateRow } from '../../shared/whitelist/certificate-row.ts';
import { keyOf } from './sites.ts';

export class Laws {
  readonly breaks: string[] = [];
  /** The newest device row of a factory certificate. */
  readonly devices = new Map<string, Device>();
  /** Certificates that the broker was seen to have closed for a cut or for good: nothing opens them again. */
  readonly closed = new Set<string>();
  /** Entries by stream, in the order they were committed. */
  readonly entries = new Map<string, Entry[]>();
  readonly #rows = new Map<string, Attributes>();
  readonly #note: (text: string) => void;

  constructor(note: (text: string) => void = () => undefined) {
    this.#note = note;
  }

  break(text: string): void {
    this.breaks.push(text);
    this.#note(`BREAK ${text}`);
  }

  /** The same registry; each transaction that took effect is looked at. `broker` tells what a row that settled claims. */
  watchRegistry(registry: Registry, broker: Broker): Registry {
    return {
      read: (keys) => registry.read(keys),
      list: (table, pk, prefix) => registry.list(table, pk, prefix),
      countRepeat: (key) => registry.countRepeat(key),
      pendingAlignments: (before, limit) => registry.pendingAlignments(before, limit),
      commit: async (changes) => {
        const result = await registry.commit(changes);
        if (result === 'committed') await this.#checkCommit(changes, broker);
        return result;
      },
    };
  }

  /** The same broker; after each call that changed something the certificate in question is looked at. */
  watchBroker(broker: Broker): Broker {
    return new Proxy(broker, {
      get: (target, method) => {
        const member: unknown = Reflect.get(target, method, target);
        if (typeof member !== 'function') return member;
        if (READS.has(String(method)))
          return (...values: unknown[]) => Reflect.apply(member, target, values) as unknown;
        return async (...values: string[]) => {
          const answer: unknown = await Reflect.apply(member, target, values);
          const id = values.map((value) => HEX.exec(value)?.[0]).find((found) => found !== undefined);
          if (id !== undefined) await this.checkCertificate(id, broker);
          return answer;
        };
      },
    });
  }

  /** I3 T049: ACTIVE only for a device that was admitted, with its policy and its thing, and never again after a cut. */
  async checkCertificate(id: string, broker: Broker): Promise<void> {
    const certificate = await broker.findCertificate(id);
    if (certificate?.status !== 'ACTIVE') return;
    const device = this.devices.get(id);
    if (device === undefined) {
      this.break(`certificate ${id.slice(0, 8)}: ACTIVE, and no device row speaks for it`);
      return;
    }
    const policies = await broker.listPolicies(certificate.arn);
    const things = await broker.listThings(certificate.arn);
    if (policies.join() !== 'registration' || things.join() !== device.id)
      this.break(`${device.id}: ACTIVE with policies [${policies.join()}] and things [${things.join()}]`);
    if (this.closed.has(id)) this.break(`${device.id}: ACTIVE again after the broker was closed for ${device.state}`);
    if (device.path === 'jitr' && !this.#has(`device/${device.id}`, 'admitted'))
      this.break(`${device.id}: ACTIVE, and never admitted`);
  }

  async #checkCommit(changes: readonly Change[], broker: Broker): Promise<void> {
    const entries = changes.filter((change) => keyOf(change).table === 'ledger');
    for (const change of entries) this.#checkEntry(change);
    for (const change of changes) {
      const key = keyOf(change);
      if (key.table !== 'devices') continue;
      const row = ('create' in change ? change.row : change.next) as Attributes;
      const stream = streamOf(key, row);
      const previous = this.#rows.get(place(key));
      this.#rows.set(place(key), row);
      if (stream === undefined) continue;
      this.#checkVersion(stream, { previous, row, entries });
      await this.#checkRow(key, { previous, row }, broker);
    }
  }

  #checkEntry(change: Change): void {
    if (!('create' in change)) {
      this.break(`ledger: an entry was replaced under ${change.replace.sk}`);
      return;
    }
    const entry = parseEntry(change.row);
    const stream = this.entries.get(entry.stream) ?? [];
    // I7: what a stream says, it says once and in order.
    if (entry.seq !== stream.length + 1)
      this.break(`ledger: ${entry.stream} has ${stream.length} entries, then comes number ${entry.seq}`);
    if (!opensCommitment(entry)) this.break(`ledger: ${entry.stream} ${entry.seq} does not open its commitment`);
    stream.push(entry);
    this.entries.set(entry.stream, stream);
  }

  #checkVersion(stream: string, { previous, row, entries }: Committed & { entries: readonly Change[] }): void {
    const [before, version] = [Number(previous?.['version'] ?? 0), Number(row['version'])];
    if (version !== before + 1) this.break(`${stream}: version ${version} follows version ${before}`);
    const told = entries.filter((change) => {
      const entry = 'create' in change ? parseEntry(change.row) : undefined;
      return entry?.stream === stream && entry.seq === version;
    });
    if (told.length !== 1) this.break(`${stream}: version ${version} has ${told.length} entries in its transaction`);
  }

  async #checkRow(key: RowKey, { previous, row }: Committed, broker: Broker): Promise<void> {
    if (key.pk.startsWith('device#') && key.sk === 'row')
      await this.#checkDevice(previous === undefined ? undefined : parseDevice(previous), parseDevice(row), broker);
    if (key.pk.startsWith('certificate#') && key.sk === 'row') {
      const { wanted, brokerPending, certificateId } = parseCertificateRow(row);
      if (wanted === 'revoked' && brokerPending === undefined) await this.#close(certificateId, broker);
    }
  }

  async #checkDevice(previous: Device | undefined, next: Device, broker: Broker): Promise<void> {
    const [from, { id, state }] = [previous?.state ?? 'listed', next];
    const legal = from === state || MOVES.some((move) => move.from === from && move.to === state);
    // I5: among the moves that are not in the table is every one away from `denied`.
    if (!legal) this.break(`${id}: moved from ${from} to ${state}`);
    if (next.epoch < (previous?.epoch ?? 0)) this.break(`${id}: epoch ${next.epoch} after ${previous?.epoch ?? 0}`);
    if (previous?.owner !== undefined && previous.owner !== next.owner)
      this.break(`${id}: another owner in the same epoch`);
    this.devices.set(next.factoryCertificate, next);
    if (next.brokerPending !== undefined) return;
    const { factoryCertificate: shown } = projectionOf(next);
    if (shown === 'inactive' || shown === 'revoked') await this.#close(next.factoryCertificate, broker);
  }

  /** The row says that the broker was seen to match: from here on it stays closed. */
  async #close(certificateId: string, broker: Broker): Promise<void> {
    this.closed.add(certificateId);
    await this.checkCertificate(certificateId, broker);
  }

  #has(stream: string, kind: string): boolean {
    return (this.entries.get(stream) ?? []).some(({ leaf }) => leaf.kind === kind);
  }
}

interface Committed {
  readonly previous: Attributes | undefined;
  readonly row: Attributes;
}

/** The stream whose numbers are the versions of this row; undefined for rows that decide nothing. */
function streamOf({ pk, sk }: RowKey, row: Attributes): string | undefined {
  const [kind, id] = [pk.slice(0, pk.indexOf('#')), pk.slice(pk.indexOf('#') + 1)];
  if ((kind === 'device' || kind === 'certificate') && sk === 'row') return `${kind}/${id}`;
  if (kind === 'authority' && sk === 'breaker') return `breaker/${id}`;
  if (sk.startsWith('refusal#')) return `refusal/${id}/${String(row['reason'])}/${String(row['deviceVersion'])}`;
  return undefined;
}

function place({ table, pk, sk }: RowKey): string {
  return `${table} ${pk} ${sk}`;
}

const READS = new Set(['findCertificate', 'listThings', 'listPolicies', 'listPolicyTargets']);
const HEX = /[0-9a-f]{64}/;
