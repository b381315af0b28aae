// Does a certificate become the current one only when its device uses it, and does whatever it replaces end with that?
import { describe, expect, test } from 'vitest';

import { confirmCertificate } from '../../../../functions/issuance/confirm-certificate/flow.ts';
import { issueCertificate } from '../../../../functions/issuance/issue-certificate/flow.ts';
import { align, alignDevice } from '../../../../functions/onboarding/align-broker/flow.ts';
import { revokedOf } from '../../../../shared/issuance/ending.ts';
import { renewalsOn } from '../../../../shared/issuance/renewal.ts';
import { deviceKey, type Device } from '../../../../shared/lifecycle.ts';
import { deny, quarantine, retire, touch } from '../../../../shared/lifecycle-moves.ts';
import type { RefusalReason } from '../../../../shared/reasons.ts';
import { certificateKey } from '../../../../shared/whitelist/certificate-row.ts';
import { InjectedFault } from '../../../fakes/faults.ts';
import { faultPoints, plan } from '../../every-fault.ts';
import {
  askFor,
  confirmationOf,
  confirmedTo,
  makeIssuanceScene,
  messageOf,
  offeredTo,
  registerChip,
  registerPump,
  rotate,
  untilRenewal,
  valueOf,
  type IssuanceScene,
} from '../../issuance-scene.ts';
import { entriesOf, gapsIn, kindsOf, OWNER, readDevice, stateOf } from '../../scene.ts';

describe('the first confirmation', () => {
  test('makes the offered certificate the current one, and its device operational', async () => {
    const { scene, pump, certificateId, confirm } = await offeredScene();
    const before = await readDevice(scene, pump.id);
    expect(await confirm()).toEqual({ outcome: 'done', value: { device: pump.id, verdict: 'confirmed' } });
    const device = await readDevice(scene, pump.id);
    expect(device).toMatchObject({
      state: 'operational',
      owner: OWNER,
      epoch: 1,
      operationalAt: scene.clock.now(),
      current: before?.state === 'registered' ? before.offered : undefined,
      brokerPending: scene.clock.now(),
    });
    expect(device).not.toHaveProperty('offered');
    expect(confirmedTo(scene, pump.id)).toEqual([{ kind: 'confirmed', certificateId }]);
    expect(scene.alignments.requested).toEqual([pump.id]);
  });

  test('is recorded with what it replaces', async () => {
    const { scene, pump, certificateId, confirm } = await offeredScene();
    await confirm();
    const entry = entriesOf(scene).find(({ leaf }) => leaf.kind === 'confirmed');
    expect(entry).toMatchObject({ stream: `device/${pump.id}` });
    expect(entry?.detail).toMatchObject({
      actor: { kind: 'certificate', certificateId },
      owner: OWNER,
      device: pump.id,
      inputs: { certificateId, replaced: pump.certificateId, from: 'registered', epoch: 1 },
    });
    expect(gapsIn(scene)).toEqual([]);
  });

  test('T086 spends the factory certificate: the broker has it no more, and any later use makes an event', async () => {
    const { scene, pump, confirm } = await offeredScene();
    await confirm();
    await alignDevice(pump.id, scene);
    expect(await scene.broker.findCertificate(pump.certificateId)).toBeUndefined();
    expect(scene.broker.connect(pump.certificateId, 'any', pump.party.pem)).toBe('announced');
  });

  test('T086 spends the factory certificate of a chip by INACTIVE: no connect could bring it back', async () => {
    const scene = await makeIssuanceScene();
    const chip = await registerChip(scene);
    await rotate(scene, chip.id);
    expect(await scene.broker.findCertificate(chip.certificateId)).toMatchObject({ status: 'INACTIVE' });
    expect(scene.broker.connect(chip.certificateId, 'any')).toBe('closed');
  });

  test('writes into the calendar when it is to be renewed', async () => {
    const { scene, pump, certificateId, confirm } = await offeredScene();
    await confirm();
    const { table, pk } = renewalsOn('2027-01-23');
    expect(await scene.registry.list(table, pk, '')).toEqual([
      { sk: `${pump.id}#${certificateId}`, version: 1, device: pump.id, certificateId },
    ]);
  });
});

describe('a confirmation of a renewal', () => {
  test('ends the certificate that it replaces, in the same transaction, with an entry of its own', async () => {
    const { scene, pump, first, confirm } = await renewedScene();
    await confirm();
    expect(await scene.registry.read([certificateKey(first)])).toMatchObject([{ wanted: 'removed', device: pump.id }]);
    const { table, pk } = revokedOf(scene.ceremony.issuing.fingerprint);
    const [ended, ...more] = await scene.registry.list(table, pk, 'revoked#');
    expect(more).toEqual([]);
    expect(ended).toMatchObject({ reason: 'superseded', revokedAt: scene.clock.now() });
    expect(scene.alignments.requestedRevocations).toEqual([first]);
    expect(kindsOf(scene, `certificate/${first}`)).toEqual(['certificate-ended']);
    expect(entriesOf(scene).find(({ stream }) => stream === `certificate/${first}`)?.detail).toMatchObject({
      owner: OWNER,
      device: pump.id,
      inputs: { certificateId: first, revocation: 'superseded' },
    });
    const last = scene.registry.committed
      .at(-1)
      ?.map((change) => ('create' in change ? change.create : change.replace));
    expect(last).toContainEqual(certificateKey(first));
    expect(last).toContainEqual(deviceKey(pump.id));
  });

  test('leaves the broker with the new one only', async () => {
    const { scene, pump, first, certificateId, confirm } = await renewedScene();
    await confirm();
    await alignDevice(pump.id, scene);
    await align({ certificate: first }, scene);
    expect(await scene.broker.findCertificate(first)).toBeUndefined();
    expect(scene.broker.connect(certificateId, 'none')).toBe('connected');
    expect(gapsIn(scene)).toEqual([]);
  });
});

describe('a confirmation that comes again', () => {
  test('is answered again, and changes nothing', async () => {
    const { scene, pump, certificateId, confirm } = await offeredScene();
    await confirm();
    const before = stateOf(scene);
    expect(await confirm()).toMatchObject({ value: { verdict: 'repeated' } });
    expect(stateOf(scene)).toEqual(before);
    expect(confirmedTo(scene, pump.id)).toEqual([1, 2].map(() => ({ kind: 'confirmed', certificateId })));
  });

  test('beside another worker is repeated by the slower one', async () => {
    const { scene, pump, confirm } = await offeredScene();
    scene.registry.beforeCommit(async () => {
      valueOf(await confirm());
    });
    expect(await confirm()).toMatchObject({ value: { verdict: 'repeated' } });
    expect(kindsOf(scene, `device/${pump.id}`).filter((kind) => kind === 'confirmed')).toHaveLength(1);
  });

  test('is a fault when others are faster each time', async () => {
    const { scene, pump, confirm } = await offeredScene();
    for (let race = 0; race < 3; race += 1) scene.registry.beforeCommit(() => change(scene, pump.id, touch));
    await expect(confirm()).rejects.toMatchObject({ code: 'comparison-lost' });
    expect(await confirm()).toMatchObject({ value: { verdict: 'confirmed' } });
  });

  test('T087 after any call that failed ends as if none had', async () => {
    const model = await renewedScene();
    const fakes = ({ registry, topics, alignments }: IssuanceScene) => ({ registry, topics, alignments });
    const points = await faultPoints(fakes(model.scene), model.confirm);
    expect(new Set(points.map(({ on }) => on))).toEqual(
      new Set(['read', 'commit', 'request', 'requestRevocation', 'publish']),
    );
    for (const point of points) {
      const { scene, pump, first, confirm } = await renewedScene();
      plan(fakes(scene), point);
      await expect(confirm(), JSON.stringify(point)).rejects.toThrow(InjectedFault);
      await confirm();
      expect(shapeOf(scene), JSON.stringify(point)).toEqual(shapeOf(model.scene));
      expect(gapsIn(scene)).toEqual([]);
      expect(confirmedTo(scene, pump.id).length).toBeGreaterThan(0);
      // What was not asked for is found by the sweep.
      const pending = (await scene.registry.pendingAlignments(scene.clock.now(), 10)).map(({ pk }) => pk);
      expect(pending).toEqual([`device#${pump.id}`, `certificate#${first}`]);
    }
  });
});

describe('T093 a confirmation', () => {
  test('that names another certificate than the one over which it came is refused', async () => {
    const { scene, pump, certificateId } = await offeredScene();
    const body = confirmationOf(scene, pump.id, certificateId, pump.certificateId);
    await expectRefusal(scene, { device: pump.id, body }, 'certificate-not-current');
  });

  test('over the factory certificate confirms nothing', async () => {
    const { scene, pump } = await offeredScene();
    const body = confirmationOf(scene, pump.id, pump.certificateId);
    await expectRefusal(scene, { device: pump.id, body }, 'certificate-not-current');
  });

  test('over the certificate of another device is refused', async () => {
    const { scene, pump } = await offeredScene();
    const other = await registerPump(scene, 'P2002');
    const theirs = await rotate(scene, other.id, { requestId: 'request-o' });
    const body = confirmationOf(scene, pump.id, theirs);
    await expectRefusal(scene, { device: pump.id, body }, 'certificate-not-current');
  });

  test('T085 on the topic of another device than the client is refused, and nobody is answered', async () => {
    const { scene, pump, certificateId } = await offeredScene();
    const envelope = { principal: certificateId, client: 'acme-P2002', receivedAt: scene.clock.now() };
    const body = messageOf(pump.id, { certificateId }, envelope);
    expect(await confirmCertificate(body, scene)).toMatchObject({ refusal: { reason: 'channel-differs' } });
    expect(confirmedTo(scene, pump.id)).toEqual([]);
  });

  test.each([
    ['no JSON', 'no'],
    ['without a certificate', {}],
    ['of something that is no name of a certificate', { certificateId: 'x' }],
  ])('%s is refused', async (_title, payload) => {
    const { scene, pump, certificateId } = await offeredScene();
    const body = messageOf(pump.id, payload, { principal: certificateId, receivedAt: scene.clock.now() });
    await expectRefusal(scene, { device: pump.id, body }, 'request-malformed');
  });
});

describe('T050 a device that confirms', () => {
  const now = '2026-11-24T12:00:00.000Z';
  test.each([
    ['quarantined', (device: Device) => quarantine(device, { level: 'restricted', cause: 'investigation', now })],
    ['denied', (device: Device) => deny(device, { cause: 'stolen', now })],
    ['retired', (device: Device) => retire(device, { cause: 'end-of-life', now })],
  ] as const)('and is %s is refused: what it was offered has ended', async (state, by) => {
    const { scene, pump, certificateId } = await offeredScene();
    await change(scene, pump.id, by);
    await expectRefusal(scene, { device: pump.id, body: confirmationOf(scene, pump.id, certificateId) }, state);
  });

  test('and is not known is refused', async () => {
    const { scene } = await offeredScene();
    const body = confirmationOf(scene, 'acme-P9999', 'e'.repeat(64));
    expect(await confirmCertificate(body, scene)).toMatchObject({ refusal: { reason: 'device-unknown' } });
  });
});

/** Signatures differ from scene to scene, and with them the names of certificates. */
function shapeOf(scene: IssuanceScene) {
  const { entries, devices } = stateOf(scene);
  const kinds = entries.map(({ seq, kind, detail }) => ({ kind, seq, device: detail.device }));
  const nameless = (part: object) => JSON.stringify(part).replaceAll(/[0-9a-f]{64}|"[A-Za-z0-9+/=]{80,}"/g, 'x');
  return [...kinds, ...devices].map(nameless).sort();
}

interface Refusing {
  readonly device: string;
  readonly body: string;
}

async function expectRefusal(scene: IssuanceScene, { device, body }: Refusing, reason: RefusalReason): Promise<void> {
  const before = await readDevice(scene, device);
  expect(await confirmCertificate(body, scene)).toMatchObject({ refusal: { reason } });
  expect(await readDevice(scene, device)).toEqual(before);
  expect(confirmedTo(scene, device)).toEqual([]);
  expect(
    entriesOf(scene).filter(({ leaf, detail }) => leaf.kind === 'refused' && detail.reason === reason),
  ).toHaveLength(1);
}

async function change(scene: IssuanceScene, device: string, by: (row: Device) => Device | undefined): Promise<void> {
  const row = await readDevice(scene, device);
  scene.registry.seed(deviceKey(device), (row && by(row)) ?? {});
}

async function offeredScene() {
  const scene = await makeIssuanceScene();
  const pump = await registerPump(scene);
  return { scene, pump, ...(await offer(scene, pump.id, 'request-a')) };
}

async function renewedScene() {
  const scene = await makeIssuanceScene();
  const pump = await registerPump(scene);
  const first = await rotate(scene, pump.id);
  await untilRenewal(scene, pump.id);
  return { scene, pump, first, ...(await offer(scene, pump.id, 'request-r')) };
}

async function offer(scene: IssuanceScene, device: string, requestId: string) {
  valueOf(await issueCertificate(await askFor(scene, device, { requestId }), scene));
  await alignDevice(device, scene);
  scene.alignments.requested.length = 0;
  const certificateId = await offeredTo(scene, device);
  return { certificateId, confirm: () => confirmCertificate(confirmationOf(scene, device, certificateId), scene) };
}
