// What ends when the standing of a device at work is taken away? Its certificates, at the broker and on the issuer's list, in
// the very transaction; and whoever asked is told what follows, and when.
import { describe, expect, test } from 'vitest';

import { changeStanding } from '../../../../functions/governance/change-standing/flow.ts';
import type { Json } from '../../../../shared/canonical.ts';
import { STANDING_CAUSES, type StandingCause } from '../../../../shared/lifecycle.ts';
import { requestAct } from '../../../fakes/fake-caller-identity.ts';
import { certificateRow } from '../../onboarding/register-device/notices.ts';
import { AUDIENCE, gapsIn, kindsOf, makeScene, PRINCIPAL, readDevice, type Scene } from '../../scene.ts';
import { issued, pumpAt, revokedIn, type Stage } from '../at-work.ts';

const TODAY = '2026-11-24T14:00:00.000Z';
const RESTRICTION = { kind: 'quarantine', level: 'restricted', cause: 'investigation' };
const [CURRENT, OFFERED] = [issued('b').certificateId, issued('c').certificateId];

describe('a quarantine of a device at work', () => {
  test.each(['restricted', 'cut'] as const)(
    '%s, keeps its certificate and ends the one it was offered',
    async (level) => {
      const { scene, id } = await standingScene('renewing');
      expect(await change(scene, quarantine(id, level))).toMatchObject({ value: { state: 'quarantined' } });
      expect(await readDevice(scene, id)).toMatchObject({ from: 'operational', current: { certificateId: CURRENT } });
      expect(await readDevice(scene, id)).not.toHaveProperty('offered');
      expect(await endedIn(scene)).toEqual([OFFERED]);
      expect(scene.alignments.requestedRevocations).toEqual([OFFERED]);
      expect(scene.alignments.requested.at(-1)).toBe(id);
      expect(gapsIn(scene)).toEqual([]);
    },
  );

  test('that nothing was offered to ends no certificate: a cut can be lifted', async () => {
    const { scene, id } = await standingScene('operational');
    await change(scene, quarantine(id, 'cut'));
    expect(await endedIn(scene)).toEqual([]);
    expect(scene.alignments.requestedRevocations).toEqual([]);
    expect(await certificateRow(scene, CURRENT)).toBeUndefined();
  });
});

describe.each(['deny', 'retire'] as const)('to %s a device at work', (kind) => {
  test('ends all of its certificates, with their rows, in one transaction', async () => {
    const { scene, id } = await standingScene('renewing');
    const before = scene.registry.committed.length;
    await change(scene, { kind, device: id, cause: 'lost' });
    // The device row and its entry; of each certificate its row, its line for the list, and its entry.
    expect(scene.registry.committed.slice(before).map(({ length }) => length)).toEqual([8]);
    expect(kindsOf(scene, `certificate/${CURRENT}`)).toEqual(['certificate-ended']);
    expect(await endedIn(scene)).toEqual([CURRENT, OFFERED]);
    for (const certificateId of [CURRENT, OFFERED])
      expect(await certificateRow(scene, certificateId)).toEqual({
        version: 1,
        certificateId,
        wanted: 'removed',
        device: id,
        brokerPending: TODAY,
      });
    expect(scene.alignments.requestedRevocations).toEqual([CURRENT, OFFERED]);
    expect(gapsIn(scene)).toEqual([]);
  });

  test.each(STANDING_CAUSES)('because it is %s: the issuer’s list says why', async (cause) => {
    const { scene, id } = await standingScene('operational');
    await change(scene, { kind, device: id, cause });
    expect(await revokedIn(scene)).toEqual([
      {
        version: 1,
        serial: issued('b').serial,
        revokedAt: TODAY,
        reason: KEY_SUSPECT.includes(cause) ? 'keyCompromise' : 'cessationOfOperation',
        notAfter: issued('b').notAfter,
      },
    ]);
  });

  test('in quarantine ends the certificate that it was left with', async () => {
    const { scene, id } = await standingScene('renewing');
    await change(scene, quarantine(id, 'cut'));
    await change(scene, { kind, device: id, cause: 'stolen' });
    expect(await revokedIn(scene)).toMatchObject([
      { serial: issued('b').serial, reason: 'keyCompromise' },
      { serial: issued('c').serial },
    ]);
    expect(await endedIn(scene)).toEqual([CURRENT, OFFERED]);
  });
});

describe('the answer tells', () => {
  const LISTS = { what: 'revocation lists', within: 'an hour' };
  const told: [string, Stage, Json, string[], string[]][] = [
    ['of a cut of a device at work', 'operational', { kind: 'quarantine', level: 'cut', cause: 'lost' }, ...closed()],
    ['of a restriction: it may go on', 'operational', RESTRICTION, ['new certificates'], []],
    ['of a restriction that ends an offer', 'renewing', RESTRICTION, ['new certificates'], [LISTS.what]],
    ['of a denial of a device at work', 'operational', { kind: 'deny', cause: 'lost' }, ...closed(LISTS.what)],
    ['of a retirement of a device at work', 'operational', { kind: 'retire', cause: 'lost' }, ...closed(LISTS.what)],
    ['of a retirement of an admitted device', 'registered', { kind: 'retire', cause: 'lost' }, ...closed()],
    ['of a denial of a device that never came', 'owned', { kind: 'deny', cause: 'lost' }, ['new certificates'], []],
    ['of a denial of a listed device', 'listed', { kind: 'deny', cause: 'lost' }, ['new certificates'], []],
  ];

  test.each(told)('%s', async (_title, stage, act, atOnce, later) => {
    const { scene, id } = await standingScene(stage);
    const answer = await change(scene, { ...(act as object), device: id });
    if (answer.outcome === 'refused') throw new Error(answer.refusal.reason);
    expect(answer.value.effects?.atOnce).toEqual(atOnce);
    expect(answer.value.effects?.later.map(({ what }) => what)).toEqual(later);
    // Each bound is said, and none is a promise that AWS does not make.
    for (const { within } of answer.value.effects?.later ?? []) expect(within).not.toBe('');
  });

  test('of a device that was cut before, only what was left to end', async () => {
    const { scene, id } = await standingScene('operational');
    await change(scene, quarantine(id, 'cut'));
    expect(await change(scene, { kind: 'deny', device: id, cause: 'lost' })).toMatchObject({
      value: { effects: { atOnce: ['new certificates'], later: [LISTS] } },
    });
  });

  test('nothing where nothing changed', async () => {
    const { scene, id } = await standingScene('operational');
    await change(scene, quarantine(id, 'cut'));
    const again = await change(scene, quarantine(id, 'cut'));
    expect(again).toEqual({ outcome: 'done', value: { device: id, result: 'unchanged', state: 'quarantined' } });
  });
});

/** RFC 5280 5.3.1: somebody else may hold the key. */
const KEY_SUSPECT: readonly StandingCause[] = ['clone', 'compromised', 'stolen'];

function closed(...more: readonly string[]): [string[], string[]] {
  return [
    ['new certificates', 'admission'],
    ['new connections', 'the open session', ...more],
  ];
}

function quarantine(device: string, level: string) {
  return { kind: 'quarantine', device, level, cause: 'investigation' };
}

/** Certificates that have ended, by the rows that the broker is to follow; each is on the issuer's list too. */
async function endedIn(scene: Scene): Promise<readonly string[]> {
  const rows = scene.registry.rows('devices').filter(({ row }) => row['wanted'] === 'removed');
  expect((await revokedIn(scene)).map(({ serial }) => serial[0])).toEqual(
    rows.map(({ row }) => String(row['certificateId'])[0]),
  );
  return rows.map(({ row }) => String(row['certificateId']));
}

async function standingScene(stage: Stage) {
  const scene = await makeScene();
  const { id } = await pumpAt(scene, stage);
  // Whatever the quotas of the broker have cost.
  scene.clock.set(TODAY);
  return { scene, id };
}

function change(scene: Scene, act: Json) {
  return changeStanding(requestAct(PRINCIPAL, act, { audience: AUDIENCE, now: scene.clock.now() }), scene);
}
