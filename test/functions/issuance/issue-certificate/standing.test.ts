// Does a device in good standing alone get a certificate, also when it loses its standing while its request is signed?
import { describe, expect, test } from 'vitest';

import { issueCertificate } from '../../../../functions/issuance/issue-certificate/flow.ts';
import { alignDevice } from '../../../../functions/onboarding/align-broker/flow.ts';
import { revokedOf } from '../../../../shared/issuance/ending.ts';
import { deviceKey, isRegistered, type Device } from '../../../../shared/lifecycle.ts';
import { deny, quarantine, retire, touch } from '../../../../shared/lifecycle-moves.ts';
import { certificateKey } from '../../../../shared/whitelist/certificate-row.ts';
import { askFor, issuedTo, makeIssuanceScene, registerPump, rotate } from '../../issuance-scene.ts';
import { gapsIn, kindsOf, listPump, ownPump, readDevice, type Scene } from '../../scene.ts';

const now = '2026-11-24T12:00:00.000Z';
const ENDS: Readonly<Record<string, (device: Device) => Device | undefined>> = {
  'quarantined, restricted': (device) => quarantine(device, { level: 'restricted', cause: 'investigation', now }),
  'quarantined, cut': (device) => quarantine(device, { level: 'cut', cause: 'compromised', now }),
  denied: (device) => deny(device, { cause: 'stolen', now }),
  retired: (device) => retire(device, { cause: 'end-of-life', now }),
};
const REASONS: Readonly<Record<string, string>> = {
  'quarantined, restricted': 'quarantined',
  'quarantined, cut': 'quarantined',
  denied: 'denied',
  retired: 'retired',
};

describe('T050 a device that asks', () => {
  test.each(Object.keys(ENDS))('and is %s gets nothing, and nobody signs', async (state) => {
    const { scene, pump, body } = await registeredScene();
    await end(scene, { device: pump.id, state });
    expect(await issueCertificate(body, scene)).toMatchObject({ refusal: { reason: REASONS[state] } });
    expect(scene.keys.signed).toEqual([]);
    expect(issuedTo(scene, pump.id)).toEqual([]);
  });

  test('and is owned only is not admitted yet', async () => {
    const scene = await makeIssuanceScene();
    const pump = await ownPump(scene);
    const body = await askFor(scene, pump.id, { over: pump.certificateId });
    expect(await issueCertificate(body, scene)).toMatchObject({ refusal: { reason: 'not-registered' } });
    expect(scene.keys.signed).toEqual([]);
  });

  test('and is listed only is nobody that could be heard', async () => {
    const scene = await makeIssuanceScene();
    const pump = await listPump(scene);
    const body = await askFor(scene, pump.id, { over: pump.certificateId });
    expect(await issueCertificate(body, scene)).toMatchObject({ refusal: { reason: 'device-unknown' } });
    expect(scene.keys.signed).toEqual([]);
  });
});

describe('T050 a device that loses its standing while its request is signed', () => {
  test.each(Object.keys(ENDS))(
    'because it is %s gets nothing: what was signed is taken back at once',
    async (state) => {
      const { scene, pump, body } = await registeredScene();
      beforeOffer(scene, () => end(scene, { device: pump.id, state }));
      expect(await issueCertificate(body, scene)).toMatchObject({ refusal: { reason: REASONS[state] } });
      await expectWithdrawn(scene, pump.id);
      // The same again says the same: it does not come back with a better day.
      const again = await issueCertificate(body, scene);
      expect(again.outcome).toBe('refused');
      expect(issuedTo(scene, pump.id)).toEqual([]);
    },
  );

  test('because it began anew is over: the offer would be for a former life', async () => {
    const { scene, pump, body } = await registeredScene();
    beforeOffer(scene, () => newEpoch(scene, pump.id));
    expect(await issueCertificate(body, scene)).toMatchObject({ refusal: { reason: 'request-over' } });
    await expectWithdrawn(scene, pump.id);
  });

  test('because another request was faster asks over a certificate that is spent', async () => {
    const { scene, pump, body } = await registeredScene();
    beforeOffer(scene, async () => {
      await rotate(scene, pump.id, { requestId: 'request-b' });
    });
    expect(await issueCertificate(body, scene)).toMatchObject({ refusal: { reason: 'certificate-not-current' } });
    await expectWithdrawn(scene, pump.id);
    expect(await readDevice(scene, pump.id)).toMatchObject({ state: 'operational' });
  });

  test('only by a version is offered its certificate all the same', async () => {
    const { scene, pump, body } = await registeredScene();
    beforeOffer(scene, () => change(scene, { device: pump.id, by: touch }));
    expect(await issueCertificate(body, scene)).toMatchObject({ outcome: 'done' });
    expect(issuedTo(scene, pump.id)).toHaveLength(1);
  });

  test('by a version each time is a fault, and the next try ends it', async () => {
    const { scene, pump, body } = await registeredScene();
    passCommits(scene, 3);
    for (let race = 0; race < 3; race += 1)
      scene.registry.beforeCommit(() => change(scene, { device: pump.id, by: touch }));
    await expect(issueCertificate(body, scene)).rejects.toMatchObject({ code: 'comparison-lost' });
    expect(issuedTo(scene, pump.id)).toEqual([]);
    expect(await issueCertificate(body, scene)).toMatchObject({ outcome: 'done' });
  });
});

/** Named on its issuer's list, gone from the broker, and said so in the ledger. */
async function expectWithdrawn(scene: Awaited<ReturnType<typeof makeIssuanceScene>>, device: string): Promise<void> {
  const [signed] = kindsOf(scene, `issuance/${device}/request-a`).slice(-1);
  expect(signed).toBe('certificate-signed');
  const { table, pk } = revokedOf(scene.ceremony.issuing.fingerprint);
  const revoked = await scene.registry.list(table, pk, 'revoked#');
  expect(revoked).toContainEqual(expect.objectContaining({ reason: 'cessationOfOperation' }));
  const [outcome] = scene.registry.rows('devices').filter(({ sk }) => sk === 'issuance#request-a#outcome');
  const certificateId = String(outcome?.row['certificateId']);
  expect(await scene.registry.read([certificateKey(certificateId)])).toMatchObject([{ wanted: 'removed', device }]);
  expect(kindsOf(scene, `device/${device}`)).toContain('certificate-ended');
  await alignDevice(device, scene);
  expect(await scene.broker.findCertificate(certificateId)).toBeUndefined();
}

/** Intent, record of the call, outcome: the fourth commit is the offer. */
function beforeOffer(scene: Scene, racer: () => Promise<void>): void {
  passCommits(scene, 3);
  scene.registry.beforeCommit(racer);
}

function passCommits(scene: Scene, count: number): void {
  for (let commit = 0; commit < count; commit += 1) scene.registry.beforeCommit(() => undefined);
}

interface Changing {
  readonly device: string;
  readonly by: (device: Device) => Device | undefined;
}

async function end(scene: Scene, { device, state }: { readonly device: string; readonly state: string }) {
  await change(scene, { device, by: ENDS[state] ?? (() => undefined) });
}

async function change(scene: Scene, { device, by }: Changing): Promise<void> {
  const row = await readDevice(scene, device);
  const next = row && by(row);
  if (next === undefined) throw new Error(`scene: ${device} cannot be changed so`);
  scene.registry.seed(deviceKey(device), next);
}

/** Quarantined, lifted, and admitted again meanwhile. */
async function newEpoch(scene: Scene, device: string): Promise<void> {
  const by = (row: Device) => (isRegistered(row) ? { ...touch(row), epoch: row.epoch + 1 } : undefined);
  await change(scene, { device, by });
}

async function registeredScene() {
  const scene = await makeIssuanceScene();
  const pump = await registerPump(scene);
  return { scene, pump, body: await askFor(scene, pump.id) };
}

test('what was withdrawn leaves no gap in the streams', async () => {
  const { scene, pump, body } = await registeredScene();
  beforeOffer(scene, () => rotate(scene, pump.id, { requestId: 'request-b' }).then(() => undefined));
  await issueCertificate(body, scene);
  expect(gapsIn(scene)).toEqual([]);
});
