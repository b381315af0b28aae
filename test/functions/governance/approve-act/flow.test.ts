// Does what one person may not do alone take two, over the very request that both saw, and happen whole and once?
import { describe, expect, test } from 'vitest';

import { approvalDigest, approvalKey } from '../../../../shared/governance/approval.ts';
import { listingKey } from '../../../../shared/whitelist/listing.ts';
import {
  APPROVER,
  awaitPump,
  entriesOf,
  holdPump,
  kindsOf,
  listPump,
  makeScene,
  PRINCIPAL,
  type Scene,
} from '../../scene.ts';
import {
  approve,
  ask,
  heldOf,
  heldScene,
  idsOf,
  request,
  requestedScene,
  SECOND,
  shownIn,
  storedIn,
  type Requested,
} from './approvals.ts';

const STRANGER = APPROVER.replace('bob', 'mallory');

describe('a request', () => {
  test('waits for a second person, is shown with its digest, and releases nothing', async () => {
    const { scene, pumps } = await heldScene();
    const answer = await request(scene, idsOf(pumps));
    const approval = await storedIn(scene, shownIn(answer).approval);
    expect(answer).toEqual({
      outcome: 'done',
      value: {
        approval: approval.id,
        digest: approvalDigest(approval),
        act: { kind: 'release-held', devices: idsOf(pumps) },
        requester: PRINCIPAL,
        expiresAt: '2026-11-25T12:00:00.000Z',
      },
    });
    expect(entriesOf(scene)).toMatchObject([
      {
        stream: `approval/${approval.id}`,
        seq: 1,
        leaf: { kind: 'approval-requested' },
        detail: { actor: { principal: PRINCIPAL }, inputs: { act: 'release-held', devices: idsOf(pumps) } },
      },
    ]);
    expect(await heldOf(scene, pumps)).toEqual([true, true, true]);
  });

  test.each<[name: string, reason: string, device: (scene: Scene) => Promise<string>]>([
    ['nobody listed', 'device-unknown', () => Promise.resolve('acme-P9999')],
    ['waits for its certificate', 'not-held', (scene) => awaitPump(scene)],
    ['is not held', 'not-held', async (scene) => (await listPump(scene, 'P2001')).id],
    ['T020 differs by case from one that is held', 'device-unknown', () => Promise.resolve('acme-p1001')],
    ['T035 is none', 'id-malformed', () => Promise.resolve('acme-+')],
  ])('for a device that %s is refused as a whole (%s)', async (_name, reason, device) => {
    const { scene, pumps } = await heldScene();
    const answer = await request(scene, [...idsOf(pumps), await device(scene)]);
    expect(answer).toMatchObject({ outcome: 'refused', refusal: { reason } });
    expect(approvalsIn(scene)).toEqual([]);
    const refusals = entriesOf(scene).filter(({ leaf }) => leaf.kind !== 'waiting');
    expect(refusals).toMatchObject([{ leaf: { kind: 'act-refused' }, detail: { reason } }]);
  });

  test.each<[name: string, act: object]>([
    ['of no device', { devices: [] }],
    [
      'of 26 devices, more than one transaction takes',
      { devices: Array.from({ length: 26 }, (_n, at) => `acme-P${at}`) },
    ],
    ['of one device twice', { devices: ['acme-P1', 'acme-P1'] }],
    ['T144 that names its own requester', { devices: ['acme-P1'], requester: SECOND }],
    ['of an act that no approval is for', { kind: 'delete-whitelist', devices: ['acme-P1'] }],
  ])('%s is refused as malformed', async (_name, wrong) => {
    const { scene } = await heldScene();
    const act = { kind: 'request-release', ...wrong };
    expect(await ask(scene, PRINCIPAL, act)).toMatchObject({ refusal: { reason: 'request-malformed' } });
  });

  test('T022 by a principal without a role is refused', async () => {
    const { scene, pumps } = await heldScene();
    const act = { kind: 'request-release', devices: idsOf(pumps) };
    expect(await ask(scene, STRANGER, act)).toMatchObject({ refusal: { reason: 'not-permitted' } });
    expect(approvalsIn(scene)).toEqual([]);
  });
});

describe('T014 an approval by another person', () => {
  test('releases every device in one transaction with its entries, and asks for nothing at the broker', async () => {
    const { scene, pumps, shown } = await requestedScene();
    const before = scene.registry.committed.length;
    expect(await approve(scene, shown)).toEqual({ outcome: 'done', value: { ...shown, approver: APPROVER } });
    expect(await heldOf(scene, pumps)).toEqual([false, false, false]);
    expect(scene.registry.committed.slice(before).map(({ length }) => length)).toEqual([2 + 2 * pumps.length]);
    expect(kindsOf(scene, `approval/${shown.approval}`)).toEqual(['approval-requested', 'approved']);
    for (const { certificateId, id } of pumps) {
      const [entry] = entriesOf(scene).filter(({ stream }) => stream === `listing/${certificateId}`);
      expect(entry).toMatchObject({
        seq: 2,
        leaf: { kind: 'released' },
        detail: { actor: { principal: APPROVER }, device: id, inputs: { approval: shown.approval } },
      });
    }
    expect(scene.alignments.calls).toEqual([]);
  });

  test('of 25 devices fits into one transaction', async () => {
    const scene = await makeScene();
    const serials = Array.from({ length: 25 }, (_none, index) => `P${1000 + index}`);
    const pumps = await Promise.all(serials.map((serial) => holdPump(scene, serial)));
    const shown = shownIn(await request(scene, idsOf(pumps)));
    expect((await approve(scene, shown)).outcome).toBe('done');
    expect(await heldOf(scene, pumps)).toEqual(Array<boolean>(25).fill(false));
  });

  test('is in time until the last moment of its 24 hours', async () => {
    const { scene, shown } = await requestedScene();
    scene.clock.set(shown.expiresAt);
    expect((await approve(scene, shown)).outcome).toBe('done');
  });
});

describe('T138 an approval is refused, and nothing is released,', () => {
  test.each<[name: string, reason: string, act: (made: Requested) => Promise<unknown>]>([
    [
      'of a request that there is not',
      'approval-unknown',
      ({ scene, shown }) => approve(scene, { ...shown, approval: 'none' }),
    ],
    [
      'a moment after its 24 hours',
      'approval-expired',
      ({ scene, shown }) => {
        scene.clock.set('2026-11-25T12:00:00.001Z');
        return approve(scene, shown);
      },
    ],
    [
      'over a digest of something else',
      'approval-differs',
      ({ scene, shown }) => approve(scene, { ...shown, digest: 'f'.repeat(64) }),
    ],
    [
      'over a request that was changed after it was shown',
      'approval-differs',
      async ({ scene, shown }) => {
        const extra = await holdPump(scene, 'P4001');
        const row = await storedIn(scene, shown.approval);
        if (row.act.kind !== 'release-held') throw new Error('expected a release');
        const act = { ...row.act, devices: [...row.act.devices, extra.id] };
        scene.registry.seed(approvalKey(shown.approval), { ...row, act });
        return approve(scene, shown);
      },
    ],
    [
      'over a request whose requester was changed after it was shown',
      'approval-differs',
      async ({ scene, shown }) => {
        const row = await storedIn(scene, shown.approval);
        scene.registry.seed(approvalKey(shown.approval), { ...row, requester: SECOND });
        return approve(scene, shown);
      },
    ],
    ['by an operator, who may only request', 'not-permitted', ({ scene, shown }) => approve(scene, shown, PRINCIPAL)],
    ['by somebody without a role', 'not-permitted', ({ scene, shown }) => approve(scene, shown, STRANGER)],
    [
      'when one of its devices was released meanwhile',
      'not-held',
      async ({ scene, shown, pumps }) => {
        const [first] = pumps;
        if (first === undefined) throw new Error('expected a pump');
        scene.registry.seed(listingKey(first.certificateId), {
          ...(await listPump(scene, 'P1001')).listing,
          version: 2,
        });
        return approve(scene, shown);
      },
    ],
  ])('%s (%s)', async (_name, reason, act) => {
    const made = await requestedScene();
    const before = entriesOf(made.scene).length;
    expect(await act(made)).toMatchObject({ outcome: 'refused', refusal: { reason } });
    expect(kindsOf(made.scene, `approval/${made.shown.approval}`)).toEqual(['approval-requested']);
    expect(entriesOf(made.scene).filter(({ leaf }) => leaf.kind === 'released')).toEqual([]);
    expect(
      entriesOf(made.scene)
        .slice()
        .sort((a, b) => a.leaf.id.localeCompare(b.leaf.id))
        .at(-1)?.detail.reason,
    ).toBe(reason);
    expect(entriesOf(made.scene)).toHaveLength(before + 1);
  });

  test('T134 by who requested it, also when that person holds both roles (approver-is-requester)', async () => {
    const made = await heldScene();
    const scene = { ...made.scene, roles: { operator: [PRINCIPAL], approver: [PRINCIPAL, APPROVER] } };
    const shown = shownIn(await request(scene, idsOf(made.pumps)));
    expect(await approve(scene, shown, PRINCIPAL)).toMatchObject({ refusal: { reason: 'approver-is-requester' } });
    expect(await heldOf(scene, made.pumps)).toEqual([true, true, true]);
    // An approver's own request waits for another approver.
    const own = shownIn(await request(scene, idsOf(made.pumps), APPROVER));
    expect(await approve(scene, own, APPROVER)).toMatchObject({ refusal: { reason: 'approver-is-requester' } });
    expect((await approve(scene, own, PRINCIPAL)).outcome).toBe('done');
  });

  test('T134 by the requester under the name of another role (approver-is-requester)', async () => {
    const made = await heldScene();
    const other = APPROVER.replace('bob', 'ann');
    const scene = { ...made.scene, roles: { operator: [PRINCIPAL], approver: [PRINCIPAL, other] } };
    for (const [requester, approver] of [
      [PRINCIPAL, other],
      [other, PRINCIPAL],
    ] as const) {
      const shown = shownIn(await request(scene, idsOf(made.pumps), requester));
      expect(await approve(scene, shown, approver)).toMatchObject({ refusal: { reason: 'approver-is-requester' } });
    }
    expect(await heldOf(scene, made.pumps)).toEqual([true, true, true]);
  });

  test('a second time, by whomever: it is used once (approval-used)', async () => {
    const { scene, shown } = await requestedScene();
    await approve(scene, shown);
    const before = { listings: scene.registry.rows('whitelist'), owners: scene.registry.rows('owners') };
    for (const approver of [APPROVER, SECOND])
      expect(await approve(scene, shown, approver)).toMatchObject({ refusal: { reason: 'approval-used' } });
    expect({ listings: scene.registry.rows('whitelist'), owners: scene.registry.rows('owners') }).toEqual(before);
  });

  test.each([{ digest: 'F'.repeat(64) }, { digest: '' }, { approval: '' }, { approver: SECOND }])(
    'with %j (request-malformed)',
    async (wrong) => {
      const { scene, shown } = await requestedScene();
      const act = { kind: 'approve', approval: shown.approval, digest: shown.digest, ...wrong };
      expect(await ask(scene, APPROVER, act)).toMatchObject({ refusal: { reason: 'request-malformed' } });
    },
  );
});

function approvalsIn({ registry }: Scene) {
  return registry.rows('owners').filter(({ pk }) => pk.startsWith('approval#'));
}
