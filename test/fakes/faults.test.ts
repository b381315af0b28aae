// Do the fakes fail as they are told? Every test of a write that failed leans on this.
import { expect, test } from 'vitest';

import { parsePemCertificate } from '../../shared/identity/certificate.ts';
import { makeAuthority } from '../pki/certificates.ts';
import { InjectedFault } from './faults.ts';
import { MemoryAlignmentQueue } from './memory-alignment-queue.ts';
import { MemoryAuthorityRegistry } from './memory-authority-registry.ts';
import { MemoryBroker } from './memory-broker.ts';
import { MemoryManifestStore } from './memory-manifest-store.ts';
import { MemoryRegistry } from './memory-registry.ts';

const KEY = { table: 'devices', pk: 'device#a', sk: 'row' } as const;
const CREATE = [{ create: KEY, row: { version: 1 } }];

test.each([
  ['lost', false],
  ['kept', true],
])('a commit that fails is %s, once', async (_title, kept) => {
  const registry = new MemoryRegistry();
  registry.failNext({ on: 'commit', kept });
  await expect(registry.commit(CREATE)).rejects.toThrow(InjectedFault);
  expect(registry.rows('devices')).toHaveLength(kept ? 1 : 0);
  expect(registry.committed).toHaveLength(kept ? 1 : 0);
  expect(await registry.commit(CREATE)).toBe(kept ? 'lost' : 'committed');
});

test('only the method that was named fails, and only after so many calls', async () => {
  const registry = new MemoryRegistry();
  registry.failNext({ on: 'read', kept: false, after: 1 });
  await registry.commit(CREATE);
  await registry.read([KEY]);
  await expect(registry.read([KEY])).rejects.toThrow(InjectedFault);
  expect(await registry.read([KEY])).toEqual([{ version: 1 }]);
  expect(registry.calls).toEqual(['commit', 'read', 'read', 'read']);
});

test('a racing writer comes right before the next commit compares, once', async () => {
  const registry = new MemoryRegistry();
  registry.beforeCommit(async () => {
    expect(await registry.commit(CREATE)).toBe('committed');
  });
  expect(await registry.commit(CREATE)).toBe('lost');
  expect(registry.committed).toHaveLength(1);
});

test('a change at the broker that fails is recorded only if it was kept', async () => {
  const broker = new MemoryBroker();
  for (const kept of [false, true]) {
    broker.failNext({ on: 'createThing', kept });
    await expect(broker.createThing('acme-A1')).rejects.toThrow(InjectedFault);
    expect(broker.things).toEqual(kept ? ['acme-A1'] : []);
  }
  expect(broker.changes).toEqual(['createThing acme-A1']);
});

test('requests, reports and pieces of a manifest fail as they are told', async () => {
  const queue = new MemoryAlignmentQueue();
  queue.failNext({ on: 'request', kept: true });
  await expect(queue.request('acme-A1')).rejects.toThrow(InjectedFault);
  expect(queue.requested).toEqual(['acme-A1']);
  const store = new MemoryManifestStore();
  store.failNext({ on: 'writeReport', kept: false });
  await expect(store.writeReport('key', 'body')).rejects.toThrow(InjectedFault);
  expect(store.keys).toEqual([]);
  store.failNext({ on: 'read', kept: false });
  await expect(store.read(store.put('key', 'body')).next()).rejects.toThrow(InjectedFault);
});

test('a first connect is announced under an open CA, again while it waits, and connects only when it is complete', async () => {
  const authorities = new MemoryAuthorityRegistry();
  const broker = new MemoryBroker({ authorities });
  const { pem } = await makeAuthority();
  const certificate = parsePemCertificate(pem);
  const ca = certificate.outcome === 'done' ? certificate.value.fingerprint : '';
  expect(broker.connect('a', ca)).toBe('closed');
  expect(await broker.findCertificate('a')).toBeUndefined();
  await authorities.register(pem);
  expect([broker.connect('a', ca), broker.connect('a', ca)]).toEqual(['announced', 'announced']);
  expect(await authorities.listCertificates(ca)).toEqual(['a']);
  await broker.setStatus('a', 'ACTIVE');
  expect(broker.connect('a', ca)).toBe('closed');
  await broker.attachPolicy('registration', broker.arnOf('a'));
  await broker.createThing('acme-A1');
  await broker.attachThing('acme-A1', broker.arnOf('a'));
  expect(broker.connect('a', ca)).toBe('connected');
  await broker.setStatus('a', 'INACTIVE');
  expect(broker.connect('a', ca)).toBe('closed');
});
