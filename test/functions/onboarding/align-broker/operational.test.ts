// Does the broker show the certificates that a device's owner has issued: those that its row names, and no other?
import { describe, expect, test } from 'vitest';

import { alignCertificate } from '../../../../functions/onboarding/align-broker/align-certificate.ts';
import { alignDevice } from '../../../../functions/onboarding/align-broker/flow.ts';
import { confirmCertificate } from '../../../../functions/issuance/confirm-certificate/flow.ts';
import { issueCertificate } from '../../../../functions/issuance/issue-certificate/flow.ts';
import { changeStanding } from '../../../../functions/governance/change-standing/flow.ts';
import { certificateKey } from '../../../../shared/whitelist/certificate-row.ts';
import { requestAct } from '../../../fakes/fake-caller-identity.ts';
import { faultPoints, plan } from '../../every-fault.ts';
import {
  askFor,
  confirmationOf,
  makeIssuanceScene,
  offeredTo,
  registerChip,
  registerPump,
  rotate,
  untilRenewal,
  valueOf,
  type IssuanceScene,
} from '../../issuance-scene.ts';
import { AUDIENCE, entriesOf, gapsIn, PRINCIPAL, readDevice, type Pump } from '../../scene.ts';

async function offered(serial = 'P1001') {
  const scene = await makeIssuanceScene();
  const pump = await registerPump(scene, serial);
  valueOf(await issueCertificate(await askFor(scene, pump.id), scene));
  return { scene, pump, certificateId: await offeredTo(scene, pump.id) };
}

const shownOf = async ({ broker }: IssuanceScene, id: string) => {
  const found = await broker.findCertificate(id);
  if (found === undefined) return 'absent';
  const [things, policies] = [await broker.listThings(found.arn), await broker.listPolicies(found.arn)];
  return [found.status, things.join(), policies.join()].join(' ');
};

async function change(scene: IssuanceScene, act: Record<string, string>): Promise<void> {
  const asked = requestAct(PRINCIPAL, act, { audience: AUDIENCE, now: scene.clock.now() });
  valueOf(await changeStanding(asked, scene));
}

describe('an offered certificate', () => {
  test('T049 is registered under its CA, and ACTIVE last, after its thing and policy; the one in use stays', async () => {
    const { scene, pump, certificateId } = await offered();
    scene.broker.changes.length = 0;
    await alignDevice(pump.id, scene);
    expect(await shownOf(scene, certificateId)).toBe(`ACTIVE ${pump.id} operation`);
    expect(await shownOf(scene, pump.certificateId)).toBe(`ACTIVE ${pump.id} registration`);
    const mine = scene.broker.changes.filter((line) => line.includes(certificateId)).map((line) => line.split(' ')[0]);
    expect(mine).toEqual(['registerIssued', 'attachThing', 'attachPolicy', 'setStatus']);
  });

  test('that is there already is left as it is', async () => {
    const { scene, pump, certificateId } = await offered();
    await alignDevice(pump.id, scene);
    const aligned = entriesOf(scene).filter(({ leaf }) => leaf.kind === 'aligned').length;
    scene.broker.changes.length = 0;
    expect(await alignDevice(pump.id, scene)).toEqual({ device: pump.id, shown: 'settled' });
    expect(scene.broker.changes).toEqual([]);
    expect(entriesOf(scene).filter(({ leaf }) => leaf.kind === 'aligned')).toHaveLength(aligned);
    expect(await shownOf(scene, certificateId)).toContain('ACTIVE');
  });

  test('waits for a turn for each look at the broker, and for one of registrations', async () => {
    const { scene, pump } = await offered();
    const turns: string[] = [];
    const quota = { awaitTurn: (work = 'broker') => Promise.resolve(void turns.push(work)) };
    await alignDevice(pump.id, { ...scene, quota });
    expect(turns).toEqual(['broker', 'broker', 'registration']);
  });

  test('whatever fails, lost or kept, is in the end active with its policy and thing', async () => {
    const learning = await offered();
    const fakesOf = ({ registry, broker }: IssuanceScene) => ({ registry, broker });
    const points = await faultPoints(fakesOf(learning.scene), () => alignDevice(learning.pump.id, learning.scene));
    for (const point of points) {
      const { scene, pump, certificateId } = await offered();
      plan(fakesOf(scene), point);
      await alignDevice(pump.id, scene).catch(() => undefined);
      scene.clock.advance(61_000);
      await alignDevice(pump.id, scene);
      expect(await shownOf(scene, certificateId), JSON.stringify(point)).toBe(`ACTIVE ${pump.id} operation`);
      expect(gapsIn(scene), JSON.stringify(point)).toEqual([]);
    }
  });
});

describe('a confirmed certificate', () => {
  test('leaves nothing of the factory certificate, so that any later use of it is an event', async () => {
    const scene = await makeIssuanceScene();
    const pump = await registerPump(scene);
    await rotate(scene, pump.id);
    expect(await shownOf(scene, pump.certificateId)).toBe('absent');
  });

  test('switches the factory certificate of a chip off, because it could not come back', async () => {
    const scene = await makeIssuanceScene();
    const chip = await registerChip(scene);
    const certificateId = await rotate(scene, chip.id);
    expect(await shownOf(scene, chip.certificateId)).toContain('INACTIVE');
    expect(await shownOf(scene, certificateId)).toBe(`ACTIVE ${chip.id} operation`);
  });

  test('is taken away when another has replaced it, under the lease of its device', async () => {
    const scene = await makeIssuanceScene();
    const pump = await registerPump(scene);
    const first = await rotate(scene, pump.id);
    await untilRenewal(scene, pump.id);
    const second = await rotate(scene, pump.id, { requestId: 'request-b' });
    expect(await shownOf(scene, first)).toBe('absent');
    expect(await shownOf(scene, second)).toContain('ACTIVE');
    expect((await scene.registry.read([certificateKey(first)]))[0]).toMatchObject({
      wanted: 'removed',
      device: pump.id,
    });
  });

  test.each([
    [{ kind: 'quarantine', level: 'cut', cause: 'compromised' }, 'INACTIVE'],
    [{ kind: 'quarantine', level: 'restricted', cause: 'investigation' }, 'ACTIVE'],
    [{ kind: 'deny', cause: 'stolen' }, 'absent'],
    [{ kind: 'retire', cause: 'end-of-life' }, 'absent'],
  ] as const)('of a device that is changed by %j is shown as %s', async (act, shown) => {
    const scene = await makeIssuanceScene();
    const pump = await registerPump(scene);
    const certificateId = await rotate(scene, pump.id);
    await change(scene, { ...act, device: pump.id });
    await alignDevice(pump.id, scene);
    for (const ended of scene.alignments.requestedRevocations) await alignCertificate(ended, scene);
    expect(await shownOf(scene, certificateId)).toContain(shown);
  });
});

describe('T049 a late worker', () => {
  test('that read the row before a certificate ended brings it back for nobody', async () => {
    const { scene, pump, certificateId } = await offered();
    const { promise: reached, resolve: reach } = Promise.withResolvers<undefined>();
    const { promise: released, resolve: release } = Promise.withResolvers<undefined>();
    let looks = 0;
    // It stops between its look at the row and its look at the offered certificate.
    const quota = {
      awaitTurn: async () => {
        looks += 1;
        if (looks !== 2) return;
        reach(undefined);
        await released;
      },
    };
    const late = alignDevice(pump.id, { ...scene, quota });
    await reached;
    await endOffer(scene, pump);
    release(undefined);
    await late;
    scene.clock.advance(1_000);
    await alignCertificate(certificateId, scene);
    expect(await shownOf(scene, certificateId)).toBe('absent');
    await alignDevice(pump.id, scene);
    expect(await shownOf(scene, certificateId)).toBe('absent');
    expect(await readDevice(scene, pump.id)).toMatchObject({ state: 'denied' });
  });

  async function endOffer(scene: IssuanceScene, pump: Pump): Promise<void> {
    await change(scene, { kind: 'deny', cause: 'stolen', device: pump.id });
  }

  test('that confirms what has ended is refused', async () => {
    const { scene, pump, certificateId } = await offered();
    await endOffer(scene, pump);
    expect(await confirmCertificate(confirmationOf(scene, pump.id, certificateId), scene)).toMatchObject({
      refusal: { reason: 'denied' },
    });
  });
});
