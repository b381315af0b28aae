// T087: does what was offered and never taken up end, so that no device has two certificates for long?
import { describe, expect, test } from 'vitest';

import { confirmCertificate } from '../../../../functions/issuance/confirm-certificate/flow.ts';
import { issueCertificate } from '../../../../functions/issuance/issue-certificate/flow.ts';
import { pushRenewals } from '../../../../functions/issuance/push-renewals/flow.ts';
import { alignDevice } from '../../../../functions/onboarding/align-broker/flow.ts';
import { alignCertificate } from '../../../../functions/onboarding/align-broker/align-certificate.ts';
import { faultPoints, plan } from '../../every-fault.ts';
import {
  askFor,
  confirmationOf,
  makeIssuanceScene,
  offeredTo,
  registerPump,
  rotate,
  untilRenewal,
  valueOf,
  type IssuanceScene,
} from '../../issuance-scene.ts';
import { gapsIn, kindsOf, readDevice } from '../../scene.ts';

const DAY = 86_400_000;

async function offered() {
  const scene = await makeIssuanceScene();
  const pump = await registerPump(scene);
  valueOf(await issueCertificate(await askFor(scene, pump.id), scene));
  await alignDevice(pump.id, scene);
  scene.alignments.requested.length = 0;
  return { scene, pump, certificateId: await offeredTo(scene, pump.id) };
}

const look = async (scene: IssuanceScene) => valueOf(await pushRenewals(scene)).withdrawn;

describe('T087 a certificate that was offered', () => {
  test('and is not used within a day ends; the one in use stays the only one', async () => {
    const { scene, pump, certificateId } = await offered();
    scene.clock.advance(DAY);
    expect(await look(scene)).toBe(1);
    expect(await readDevice(scene, pump.id)).not.toHaveProperty('offered');
    expect([scene.alignments.requested, scene.alignments.requestedRevocations]).toEqual([[pump.id], [certificateId]]);
    await alignDevice(pump.id, scene);
    await alignCertificate(certificateId, scene);
    expect(await scene.broker.findCertificate(certificateId)).toBeUndefined();
    expect((await scene.broker.findCertificate(pump.certificateId))?.status).toBe('ACTIVE');
    expect(kindsOf(scene, `device/${pump.id}`)).toContain('offer-withdrawn');
    expect(gapsIn(scene)).toEqual([]);
  });

  test('stays for a day, to the second', async () => {
    const { scene, pump } = await offered();
    scene.clock.advance(DAY - 1_000);
    expect(await look(scene)).toBe(0);
    expect(await readDevice(scene, pump.id)).toHaveProperty('offered');
  });

  test('ends two days later too, when a look was missed, and is looked at once', async () => {
    const { scene } = await offered();
    scene.clock.advance(3 * DAY);
    expect([await look(scene), await look(scene)]).toEqual([1, 0]);
  });

  test('and was confirmed is left alone, and so is the next one', async () => {
    const { scene, pump, certificateId } = await offered();
    valueOf(await confirmCertificate(confirmationOf(scene, pump.id, certificateId), scene));
    scene.clock.advance(DAY);
    expect(await look(scene)).toBe(0);
    await untilRenewal(scene, pump.id);
    const second = await rotate(scene, pump.id, { requestId: 'request-b' });
    scene.clock.advance(2 * DAY);
    expect(await look(scene)).toBe(0);
    expect(await readDevice(scene, pump.id)).toMatchObject({ current: { certificateId: second } });
  });

  test('and has ended so is confirmed by nobody, and the device asks anew', async () => {
    const { scene, pump, certificateId } = await offered();
    scene.clock.advance(DAY);
    await look(scene);
    expect(await confirmCertificate(confirmationOf(scene, pump.id, certificateId), scene)).toMatchObject({
      refusal: { reason: 'certificate-not-current' },
    });
    expect(await rotate(scene, pump.id, { requestId: 'request-b' })).not.toBe(certificateId);
  });

  test('ends in the end, once, whatever fails, lost or kept', async () => {
    const fakesOf = ({ registry, alignments }: IssuanceScene) => ({ registry, alignments });
    const learning = await offered();
    learning.scene.clock.advance(DAY);
    for (const point of await faultPoints(fakesOf(learning.scene), () => look(learning.scene))) {
      const { scene, pump, certificateId } = await offered();
      scene.clock.advance(DAY);
      plan(fakesOf(scene), point);
      await look(scene).catch(() => undefined);
      await look(scene);
      scene.clock.advance(61_000);
      await alignDevice(pump.id, scene);
      await alignCertificate(certificateId, scene);
      expect(await scene.broker.findCertificate(certificateId), JSON.stringify(point)).toBeUndefined();
      expect(gapsIn(scene), JSON.stringify(point)).toEqual([]);
    }
  });
});
