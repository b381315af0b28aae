// What becomes of a certificate that was refused? Revoked when for good; gone when it waited in vain; never touched when
// somebody owns its device meanwhile.
import { describe, expect, test } from 'vitest';

import { alignCertificate } from '../../../../functions/onboarding/align-broker/align-certificate.ts';
import { registerDevice } from '../../../../functions/onboarding/register-device/flow.ts';
import { align, alignDevice } from '../../../../functions/onboarding/align-broker/flow.ts';
import { deviceKey } from '../../../../shared/lifecycle.ts';
import { quarantine } from '../../../../shared/lifecycle-moves.ts';
import { recordEntry, STREAMS } from '../../../../shared/ledger/entry.ts';
import {
  certificateKey,
  parseCertificateRow,
  wish,
  type Wanted,
} from '../../../../shared/whitelist/certificate-row.ts';
import type { BrokerStatus } from '../../../../shared/ports.ts';
import { InjectedFault } from '../../../fakes/faults.ts';
import { makeDevice } from '../../../pki/certificates.ts';
import { noticeOf } from '../register-device/notices.ts';
import { faultPoints, plan } from '../../every-fault.ts';
import {
  gapsIn,
  kindsOf,
  listChip,
  listPump,
  makeScene,
  NOW,
  own,
  ownPump,
  timelessStateOf,
  readDevice,
  type Scene,
} from '../../scene.ts';

const LATER = '2026-12-24T12:00:00.000Z';
const fakesOf = ({ registry, broker }: Scene) => ({ registry, broker });

describe('T052 a certificate that was refused for good', () => {
  test.each(['PENDING_ACTIVATION', 'ACTIVE', 'INACTIVE'] as const)('is REVOKED, from %s', async (status) => {
    const { scene, id } = await refusedScene('revoked', status);
    expect(await align({ certificate: id }, scene)).toEqual({ certificate: id, shown: 'revoked' });
    expect(scene.broker.changes).toEqual([`setStatus ${id} REVOKED`]);
    expect(await rowOf(scene, id)).toEqual({ version: 2, certificateId: id, wanted: 'revoked', alignedAt: NOW });
    expect(kindsOf(scene, `certificate/${id}`)).toEqual(['alignment-requested', 'aligned']);
  });

  test('that the broker does not know has settled: it would come in anew, and be refused anew', async () => {
    const { scene, id } = await refusedScene('revoked');
    expect(await alignCertificate(id, scene)).toBe('absent');
    expect(await rowOf(scene, id)).not.toHaveProperty('brokerPending');
  });

  test('takes a turn of the devices: it is no less urgent', async () => {
    const { scene, id } = await refusedScene('revoked', 'PENDING_ACTIVATION');
    await scene.quota.awaitTurn();
    await alignCertificate(id, scene);
    expect(scene.clock.pauses).toEqual([105]);
  });

  test('stays REVOKED when its device is aligned, whoever owns it', async () => {
    const scene = await makeScene();
    for (const pump of [await own(scene, await listChip(scene)), await ownPump(scene)]) {
      const previous = await rowOf(scene, pump.certificateId);
      await ask(scene, pump.certificateId, { wanted: 'revoked', since: NOW }, previous);
      scene.broker.seed(pump.certificateId, 'INACTIVE');
      expect(await alignDevice(pump.id, scene)).toEqual({ device: pump.id, shown: 'revoked' });
      expect((await scene.broker.findCertificate(pump.certificateId))?.status).toBe('REVOKED');
    }
    expect(scene.broker.calls).not.toContain('registerCertificate');
  });
});

test('T049 a certificate that was refused for good while its device was activated ends REVOKED', async () => {
  const scene = await makeScene();
  const pump = await ownPump(scene);
  const { certificateId: id } = pump;
  scene.broker.connect(id, 'any', pump.party.pem);
  await registerDevice(noticeOf(scene, pump), scene);
  const setStatus = scene.broker.setStatus.bind(scene.broker);
  scene.broker.setStatus = async (certificateId, status) => {
    if (status !== 'ACTIVE' || (await rowOf(scene, id)) !== undefined) return setStatus(certificateId, status);
    await ask(scene, id, { wanted: 'revoked', since: scene.clock.now() });
    scene.broker.seed(id, 'ACTIVE', { things: [pump.id], policies: ['registration'] });
  };
  expect(await alignDevice(pump.id, scene)).toEqual({ device: pump.id, shown: 'revoked' });
  expect((await scene.broker.findCertificate(id))?.status).toBe('REVOKED');
});

describe('a certificate that waits in vain', () => {
  test('is left alone before its time', async () => {
    const { scene, id } = await refusedScene('absent', 'PENDING_ACTIVATION', LATER);
    scene.clock.set('2026-12-24T11:59:59.999Z');
    expect(await alignCertificate(id, scene)).toBe('settled');
    expect(scene.broker.calls).toEqual([]);
    expect(await rowOf(scene, id)).toMatchObject({ version: 1, brokerPending: LATER });
  });

  test('goes when its time has come, and its next connect is a fresh registration', async () => {
    const { scene, id } = await refusedScene('absent', 'PENDING_ACTIVATION', LATER);
    scene.clock.set(LATER);
    expect(await alignCertificate(id, scene)).toBe('absent');
    expect(scene.broker.changes).toEqual([`setStatus ${id} INACTIVE`, `deleteCertificate ${id}`]);
    expect(scene.broker.connect(id, 'any')).toBe('announced');
    expect(kindsOf(scene, `certificate/${id}`)).toEqual(['alignment-requested', 'aligned']);
  });

  test('goes as well when a worker died between closing and deleting it', async () => {
    const { scene, id } = await refusedScene('absent', 'INACTIVE');
    expect(await alignCertificate(id, scene)).toBe('absent');
    expect(scene.broker.changes).toEqual([`deleteCertificate ${id}`]);
  });

  test.each(['ACTIVE', 'REVOKED', 'PENDING_TRANSFER'] as const)(
    'is left when it is %s: somebody else has decided',
    async (status) => {
      const { scene, id } = await refusedScene('absent', status);
      expect(await alignCertificate(id, scene)).toBe('left');
      expect(scene.broker.changes).toEqual([]);
      expect(await rowOf(scene, id)).not.toHaveProperty('brokerPending');
    },
  );

  test.each(['PENDING_ACTIVATION', 'INACTIVE'] as const)(
    'is left, %s, when its device was admitted meanwhile: the device row speaks for it',
    async (status) => {
      const scene = await makeScene();
      const pump = await ownPump(scene);
      await registerDevice(noticeOf(scene, pump), scene);
      await ask(scene, pump.certificateId, { wanted: 'absent', since: NOW });
      scene.broker.seed(pump.certificateId, status);
      expect(await alignCertificate(pump.certificateId, scene)).toBe('left');
      expect(scene.broker.calls).toEqual([]);
    },
  );

  test.each([
    ['owned', 'PENDING_ACTIVATION', 'absent'],
    ['owned', 'INACTIVE', 'absent'],
    ['cut', 'PENDING_ACTIVATION', 'absent'],
    ['cut', 'INACTIVE', 'left'],
  ] as const)('of a device that is %s, %s at the broker, ends %s', async (standing, status, shown) => {
    const scene = await makeScene();
    const pump = await ownPump(scene);
    const previous = await readDevice(scene, pump.id);
    if (previous === undefined) throw new Error('expected a device');
    const next = standing === 'cut' ? quarantine(previous, { level: 'cut', cause: 'lost', now: NOW }) : previous;
    scene.registry.seed(deviceKey(pump.id), next ?? previous);
    await ask(scene, pump.certificateId, { wanted: 'absent', since: NOW });
    scene.broker.seed(pump.certificateId, status);
    expect(await alignCertificate(pump.certificateId, scene)).toBe(shown);
  });

  test('goes also when it is listed, while nobody owns it', async () => {
    const scene = await makeScene();
    const pump = await listPump(scene);
    await ask(scene, pump.certificateId, { wanted: 'absent', since: NOW });
    scene.broker.seed(pump.certificateId, 'PENDING_ACTIVATION');
    expect(await alignCertificate(pump.certificateId, scene)).toBe('absent');
  });

  test('that the broker has lost has settled', async () => {
    const { scene, id } = await refusedScene('absent');
    expect(await alignCertificate(id, scene)).toBe('absent');
    expect(scene.broker.changes).toEqual([]);
  });
});

test.each([
  ['revoked', 'PENDING_ACTIVATION'],
  ['absent', 'PENDING_ACTIVATION'],
] as const)('T049 whichever call fails, a rerun ends the wish "%s" as if none had', async (wanted, status) => {
  const model = await refusedScene(wanted, status);
  const points = await faultPoints(fakesOf(model.scene), () => alignCertificate(model.id, model.scene));
  expect(points.filter(({ fake }) => fake === 'broker').length).toBeGreaterThanOrEqual(4);
  for (const point of points) {
    const { scene, id } = await refusedScene(wanted, status);
    plan(fakesOf(scene), point);
    await expect(alignCertificate(id, scene), JSON.stringify(point)).rejects.toThrow(InjectedFault);
    // Another worker, once the lease of the dead one is over.
    scene.clock.advance(60_000);
    await alignCertificate(id, scene);
    expect(timelessStateOf(scene), JSON.stringify(point)).toEqual(timelessStateOf(model.scene));
    expect((await scene.broker.findCertificate(id))?.status).toBe(wanted === 'revoked' ? 'REVOKED' : undefined);
    expect(gapsIn(scene)).toEqual([]);
  }
});

/** Somebody's certificate, refused, as `register-device` leaves it; at the broker with this status, if any. */
async function refusedScene(wanted: Wanted, status?: BrokerStatus, since = NOW) {
  const scene = await makeScene();
  const { certificate, pem } = await makeDevice(scene.authority, 'P6666');
  const id = certificate.fingerprint;
  if (status !== undefined) scene.broker.seed(id, status, { pem });
  await ask(scene, id, { wanted, since });
  return { scene, id };
}

type Row = ReturnType<typeof parseCertificateRow>;

async function ask(scene: Scene, certificateId: string, asked: { wanted: Wanted; since: string }, previous?: Row) {
  const row = wish({ certificateId, ...asked }, previous);
  const detail = { actor: { kind: 'step', step: 'test' }, decision: 'done', inputs: {}, requestId: 'ask' } as const;
  const [stream, time] = [STREAMS.certificate(certificateId), scene.clock.now()];
  const draft = { stream, seq: row.version, kind: 'alignment-requested', time, detail } as const;
  const key = certificateKey(certificateId);
  const change = previous === undefined ? { create: key, row } : { replace: key, previous, next: row };
  await scene.registry.commit([change, recordEntry(draft, scene.random)]);
}

async function rowOf({ registry }: Scene, certificateId: string): Promise<Row | undefined> {
  const [row] = await registry.read([certificateKey(certificateId)]);
  return row === undefined ? undefined : parseCertificateRow(row);
}
