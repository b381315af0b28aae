// What if a certificate asked to be let in before it was listed? Its row is there already, and says why it was refused.
import { describe, expect, test } from 'vitest';

import { alignCertificate } from '../../../../functions/onboarding/align-broker/align-certificate.ts';
import { recordEntry, STREAMS } from '../../../../shared/ledger/entry.ts';
import {
  certificateKey,
  markMatched,
  parseCertificateRow,
  wish,
  type CertificateRow,
  type Wanted,
} from '../../../../shared/whitelist/certificate-row.ts';
import { makeAuthority, makeDevice } from '../../../pki/certificates.ts';
import { gapsIn, kindsOf, makeScene, NOW, trust, type Scene } from '../../scene.ts';
import { lineOf } from '../import-manifest/deliveries.ts';
import { importLines, listingsIn } from './whole-import.ts';

describe('a certificate of the path "registered" that is listed after it was refused', () => {
  test.each([
    ['for now', false],
    ['for now, and then forgotten by the broker', true],
  ])('%s becomes known: its row goes on, and with it the numbers of its entries', async (_title, forgotten) => {
    const { scene, id, list } = await refusedScene('absent', forgotten);
    const { version } = await rowOf(scene, id);
    await list();
    expect(listingsIn(scene)).toHaveLength(1);
    expect(await rowOf(scene, id)).toMatchObject({
      version: version + 1,
      wanted: 'known',
      brokerPending: scene.clock.now(),
    });
    expect(scene.alignments.requestedCertificates).toEqual([id]);
    expect(await alignCertificate(id, scene)).toBe('known');
    expect(kindsOf(scene, `certificate/${id}`).slice(-2)).toEqual(['alignment-requested', 'aligned']);
    expect(gapsIn(scene)).toEqual([]);
  });

  test('T052 for good stays refused: its listing asks the broker for nothing', async () => {
    const { scene, id, list } = await refusedScene('revoked', false);
    const before = await rowOf(scene, id);
    await list();
    expect(listingsIn(scene)).toHaveLength(1);
    expect(await rowOf(scene, id)).toEqual(before);
    expect(scene.alignments.calls).toEqual([]);
    expect(gapsIn(scene)).toEqual([]);
  });

  test('while it is listed is compared anew: neither word is lost', async () => {
    const { scene, id, list, refuse } = await refusedScene('absent', false);
    scene.registry.beforeCommit(() => undefined);
    scene.registry.beforeCommit(async () => {
      await refuse('revoked', await rowOf(scene, id));
    });
    await list();
    expect(listingsIn(scene)).toHaveLength(1);
    expect(await rowOf(scene, id)).toMatchObject({ version: 2, wanted: 'revoked' });
    expect(gapsIn(scene)).toEqual([]);
  });
});

/** A chip whose certificate was refused before a manifest brought it. */
async function refusedScene(wanted: Wanted, forgotten: boolean) {
  const scene = await makeScene();
  const root = await makeAuthority('Acme Chip Root');
  trust(scene, root, 'root');
  const id = (await makeDevice(root, 'C0001', { key: 'C0001' })).certificate.fingerprint;
  const refuse = (next: Wanted, previous?: CertificateRow) =>
    commit(scene, wish({ certificateId: id, wanted: next, since: NOW }, previous), previous);
  await refuse(wanted);
  if (forgotten) {
    const previous = await rowOf(scene, id);
    await commit(scene, markMatched(previous, NOW), previous);
  }
  return { scene, id, refuse, list: async () => importLines(scene, [await lineOf(root, 'C0001')]) };
}

async function commit(scene: Scene, row: CertificateRow, previous: CertificateRow | undefined): Promise<void> {
  const { certificateId, version: seq, brokerPending } = row;
  const kind = brokerPending === undefined ? 'aligned' : 'alignment-requested';
  const detail = { actor: { kind: 'step', step: 'test' }, decision: 'done', inputs: {}, requestId: 'before' } as const;
  const draft = { stream: STREAMS.certificate(certificateId), seq, kind, time: NOW, detail } as const;
  const key = certificateKey(certificateId);
  const change = previous === undefined ? { create: key, row } : { replace: key, previous, next: row };
  await scene.registry.commit([change, recordEntry(draft, scene.random)]);
}

async function rowOf({ registry }: Scene, id: string): Promise<CertificateRow> {
  return parseCertificateRow((await registry.read([certificateKey(id)]))[0]);
}
