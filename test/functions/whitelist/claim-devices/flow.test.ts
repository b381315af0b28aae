// Who gets to own a listed device by an operator's claim, and what becomes of the others in the same act?
import { describe, expect, test } from 'vitest';

import { claimDevices } from '../../../../functions/whitelist/claim-devices/flow.ts';
import { ownerKey } from '../../../../shared/identity/owner.ts';
import { listingKey, releaseListing } from '../../../../shared/whitelist/listing.ts';
import { requestAct } from '../../../fakes/fake-caller-identity.ts';
import { InjectedFault } from '../../../fakes/faults.ts';
import { faultPoints, plan } from '../../every-fault.ts';
import {
  APPROVER,
  AUDIENCE,
  awaitPump,
  entriesOf,
  gapsIn,
  holdPump,
  kindsOf,
  listChip,
  listPump,
  makeScene,
  NOW,
  OWNER,
  PRINCIPAL,
  readDevice,
  stateOf,
  type Scene,
} from '../../scene.ts';

describe('a claim', () => {
  test('gives a listed device its owner, with its entry, and asks for its alignment', async () => {
    const scene = await makeScene();
    const pump = await listPump(scene);
    expect(await claim(scene, [pump.id])).toEqual({ outcome: 'done', value: [{ device: pump.id, result: 'claimed' }] });
    expect(await readDevice(scene, pump.id)).toEqual({
      id: pump.id,
      state: 'owned',
      version: 1,
      owner: OWNER,
      epoch: 1,
      manufacturer: 'acme',
      path: 'jitr',
      factoryCertificate: pump.certificateId,
      proof: 'claim',
      brokerPending: NOW,
    });
    expect(entriesOf(scene)).toMatchObject([
      {
        stream: `device/${pump.id}`,
        seq: 1,
        leaf: { kind: 'claimed' },
        detail: { actor: { principal: PRINCIPAL }, owner: OWNER, inputs: { proof: 'claim' } },
      },
    ]);
    expect(scene.alignments.requested).toEqual([pump.id]);
  });

  test('by the present owner changes nothing', async () => {
    const scene = await makeScene();
    const pump = await listPump(scene);
    await claim(scene, [pump.id]);
    const before = stateOf(scene);
    expect(await claim(scene, [pump.id])).toEqual({
      outcome: 'done',
      value: [{ device: pump.id, result: 'unchanged' }],
    });
    expect(stateOf(scene)).toEqual(before);
  });

  test('never takes a device from its owner', async () => {
    const scene = await makeScene();
    const pump = await listPump(scene);
    scene.registry.seed(ownerKey('st-bert'), { version: 1, owner: 'st-bert' });
    await claim(scene, [pump.id]);
    const before = await readDevice(scene, pump.id);
    expect(await claim(scene, [pump.id], 'st-bert')).toMatchObject({
      value: [{ result: 'refused', refusal: { reason: 'owned-by-another' } }],
    });
    expect(await readDevice(scene, pump.id)).toEqual(before);
    // Who the owner is stays with the owner.
    expect(JSON.stringify(entriesOf(scene).at(-1)?.detail)).not.toContain(OWNER);
  });

  test('for an owner that is not known is refused as a whole', async () => {
    const scene = await makeScene();
    const pump = await listPump(scene);
    expect(await claim(scene, [pump.id], 'st-nobody')).toMatchObject({
      outcome: 'refused',
      refusal: { reason: 'owner-unknown' },
    });
    expect(await readDevice(scene, pump.id)).toBeUndefined();
    expect(entriesOf(scene)).toMatchObject([{ detail: { reason: 'owner-unknown' } }]);
  });

  test('T014 of a held listing is refused until two people have released it', async () => {
    const scene = await makeScene();
    const pump = await holdPump(scene);
    expect(await claim(scene, [pump.id])).toMatchObject({
      value: [{ result: 'refused', refusal: { reason: 'listing-held', device: pump.id } }],
    });
    expect(await readDevice(scene, pump.id)).toBeUndefined();
    expect(entriesOf(scene)).toMatchObject([{ leaf: { kind: 'act-refused' }, detail: { reason: 'listing-held' } }]);
    scene.registry.seed(listingKey(pump.certificateId), releaseListing(pump.listing));
    expect(await claim(scene, [pump.id])).toMatchObject({ value: [{ result: 'claimed' }] });
  });

  test('T020 of an id that differs by case from a listed one is refused: it is no device of ours', async () => {
    const scene = await makeScene();
    const pump = await listPump(scene, 'P1001a');
    for (const device of ['acme-p1001a', 'acme-P1001A']) {
      expect(await claim(scene, [device])).toMatchObject({
        value: [{ result: 'refused', refusal: { reason: 'device-unknown', device } }],
      });
    }
    expect(scene.registry.rows('devices')).toEqual([]);
    expect(await claim(scene, [pump.id])).toMatchObject({ value: [{ result: 'claimed' }] });
  });

  test('of a device that waits for its certificate is refused until that comes', async () => {
    const scene = await makeScene();
    const id = await awaitPump(scene);
    expect(await claim(scene, [id])).toMatchObject({
      value: [{ result: 'refused', refusal: { reason: 'certificate-absent', device: id } }],
    });
    // Only to who spells it so: another spelling is another device (T020).
    expect(await claim(scene, [id.toLowerCase()])).toMatchObject({
      value: [{ result: 'refused', refusal: { reason: 'device-unknown', device: id.toLowerCase() } }],
    });
    expect(scene.registry.rows('devices')).toEqual([]);
  });

  test('takes the path of the device from its listing', async () => {
    const scene = await makeScene();
    const chip = await listChip(scene);
    await claim(scene, [chip.id]);
    expect(await readDevice(scene, chip.id)).toMatchObject({ state: 'owned', path: 'registered' });
  });

  test('T022 by an approver is refused as a whole', async () => {
    const scene = await makeScene();
    const pump = await listPump(scene);
    const act = { kind: 'claim-devices', owner: OWNER, devices: [pump.id] };
    expect(await claimDevices(requestAct(APPROVER, act, { audience: AUDIENCE, now: NOW }), scene)).toMatchObject({
      outcome: 'refused',
      refusal: { reason: 'not-permitted' },
    });
    expect(await readDevice(scene, pump.id)).toBeUndefined();
  });

  test('that is refused for some devices does not hold up the others, and each refusal has its entry', async () => {
    const scene = await makeScene();
    const first = await listPump(scene, 'P1001');
    const second = await listPump(scene, 'P1002');
    const answer = await claim(scene, ['acme-P9998', first.id, 'acme/+', second.id, 'acme-P9999']);
    expect(answer).toMatchObject({
      value: [
        { device: 'acme-P9998', result: 'refused', refusal: { reason: 'device-unknown' } },
        { device: first.id, result: 'claimed' },
        { device: 'acme/+', result: 'refused', refusal: { reason: 'id-malformed' } },
        { device: second.id, result: 'claimed' },
        { device: 'acme-P9999', result: 'refused', refusal: { reason: 'device-unknown' } },
      ],
    });
    const refusals = entriesOf(scene).filter(({ leaf }) => leaf.kind === 'act-refused');
    expect(refusals.map(({ seq, detail }) => [seq, detail.device, detail.reason])).toEqual([
      [1, 'acme-P9998', 'device-unknown'],
      [3, 'acme/+', 'id-malformed'],
      [5, 'acme-P9999', 'device-unknown'],
    ]);
  });

  test.each<[name: string, act: object]>([
    ['of no device', { devices: [] }],
    ['of 51 devices', { devices: Array.from({ length: 51 }, (_none, index) => `acme-P${index}`) }],
    ['of one device twice', { devices: ['acme-P1001', 'acme-P1001'] }],
    ['T143 for the owner "root"', { owner: 'root' }],
    ['T143 for the owner ".."', { owner: '..' }],
    ['T143 for an owner without a name', { owner: '' }],
    ['T144 that sets the epoch', { epoch: 7 }],
  ])('%s is refused as malformed', async (_name, wrong) => {
    const scene = await makeScene();
    const act = { kind: 'claim-devices', owner: OWNER, devices: ['acme-P1001'], ...wrong };
    const answer = await claimDevices(requestAct(PRINCIPAL, act, { audience: AUDIENCE, now: NOW }), scene);
    expect(answer).toMatchObject({ outcome: 'refused', refusal: { reason: 'request-malformed' } });
  });
});

describe('when something fails', () => {
  test('T049 a rerun completes the claim, whichever call failed', async () => {
    const model = await claimScene();
    for (const point of await faultPoints(fakesOf(model.scene), model.run)) {
      const { scene, run } = await claimScene();
      plan(fakesOf(scene), point);
      await expect(run(), JSON.stringify(point)).rejects.toThrow(InjectedFault);
      await run();
      expect(stateOf(scene), JSON.stringify(point)).toEqual(stateOf(model.scene));
      expect(gapsIn(scene)).toEqual([]);
    }
  });

  test('two claims at once give the device one owner', async () => {
    const { scene, run, ids } = await claimScene();
    scene.registry.seed(ownerKey('st-bert'), { version: 1, owner: 'st-bert' });
    scene.registry.beforeCommit(async () => {
      await claim(scene, [ids[0] ?? ''], 'st-bert');
    });
    await expect(run()).rejects.toMatchObject({ code: 'comparison-lost' });
    expect(await readDevice(scene, ids[0] ?? '')).toMatchObject({ owner: 'st-bert', version: 1 });
    expect(kindsOf(scene, `device/${ids[0] ?? ''}`)).toEqual(['claimed']);
    expect(await run()).toMatchObject({
      value: [{ result: 'refused', refusal: { reason: 'owned-by-another' } }, { result: 'claimed' }],
    });
  });

  test('an id without its listing is a fault, never an unknown device', async () => {
    const scene = await makeScene();
    const pump = await listPump(scene);
    scene.registry.seed(listingKey(pump.certificateId), { version: 1 });
    await expect(claim(scene, [pump.id])).rejects.toMatchObject({ code: 'row-malformed' });
  });
});

const fakesOf = ({ registry, alignments }: Scene) => ({ registry, alignments });

async function claimScene() {
  const scene = await makeScene();
  const ids = [(await listPump(scene, 'P1001')).id, (await listPump(scene, 'P1002')).id];
  return { scene, ids, run: () => claim(scene, ids) };
}

function claim(scene: Scene, devices: readonly string[], owner = OWNER) {
  const act = { kind: 'claim-devices', owner, devices };
  return claimDevices(requestAct(PRINCIPAL, act, { audience: AUDIENCE, now: NOW }), scene);
}
