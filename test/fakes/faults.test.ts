// Do the fakes fail as they are told? Every test of a write that failed leans on this.
import { expect, test } from 'vitest';

import { parsePemCertificate } from '../../shared/identity/certificate.ts';
import { makeAuthority, makeDevice } from '../pki/certificates.ts';
import { InjectedFault } from './faults.ts';
import { MemoryAlignmentQueue } from './memory-alignment-queue.ts';
import { MemoryAuthorityRegistry } from './memory-authority-registry.ts';
import { MemoryBroker } from './memory-broker.ts';
import { MemoryChunkQueue } from './memory-chunk-queue.ts';
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

test('a certificate that is registered beforehand fails as it is told, and is recorded only once', async () => {
  const broker = new MemoryBroker();
  const { pem, certificate } = await makeDevice(await makeAuthority(), 'A1');
  for (const kept of [false, true, true]) {
    broker.failNext({ on: 'registerCertificate', kept });
    await expect(broker.registerCertificate(pem)).rejects.toThrow(InjectedFault);
    expect((await broker.findCertificate(certificate.fingerprint))?.status).toBe(kept ? 'INACTIVE' : undefined);
  }
  expect(broker.changes).toEqual([`registerCertificate ${certificate.fingerprint}`]);
});

const CHUNK = { signatureKey: 'k', signatureVersion: 'v', chunk: 1, digest: 'd' };

test.each([
  ['lost', false],
  ['kept', true],
])('a request that fails is %s, whichever queue it goes to', async (_title, kept) => {
  const [alignments, chunks] = [new MemoryAlignmentQueue(), new MemoryChunkQueue()];
  alignments.failNext({ on: 'request', kept });
  await expect(alignments.request('acme-A1')).rejects.toThrow(InjectedFault);
  alignments.failNext({ on: 'requestCertificate', kept });
  await expect(alignments.requestCertificate('c1')).rejects.toThrow(InjectedFault);
  chunks.failNext({ on: 'request', kept });
  await expect(chunks.request(CHUNK)).rejects.toThrow(InjectedFault);
  expect(alignments.requested).toEqual(kept ? ['acme-A1'] : []);
  expect(alignments.requestedCertificates).toEqual(kept ? ['c1'] : []);
  expect(chunks.requested).toEqual(kept ? [CHUNK] : []);
  expect([alignments.calls, chunks.calls]).toEqual([['request', 'requestCertificate'], ['request']]);
});

test('writing an object and reading the pieces of one fail as they are told', async () => {
  const store = new MemoryManifestStore();
  for (const kept of [false, true]) {
    store.failNext({ on: 'write', kept });
    await expect(store.write('key', 'body')).rejects.toThrow(InjectedFault);
    expect(store.keys).toEqual(kept ? ['key'] : []);
  }
  store.failNext({ on: 'read', kept: false });
  await expect(store.read(store.put('key', 'body')).next()).rejects.toThrow(InjectedFault);
  expect(store.calls).toEqual(['write', 'write', 'read']);
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
