// Whom does the deployment come to trust, and what can nobody make it trust?
import { describe, expect, test } from 'vitest';

import { changeTrust } from '../../../../functions/governance/change-trust/flow.ts';
import type { Json } from '../../../../shared/canonical.ts';
import { ownerKey } from '../../../../shared/identity/owner.ts';
import { lotKey } from '../../../../shared/whitelist/lot.ts';
import { requestAct } from '../../../fakes/fake-caller-identity.ts';
import { APPROVER, AUDIENCE, entriesOf, makeScene, NOW, PRINCIPAL, type Scene } from '../../scene.ts';

describe('an owner', () => {
  test('becomes known once, by a named principal', async () => {
    const scene = await makeScene();
    const act = { kind: 'add-owner', owner: 'st-bert' };
    expect(await change(scene, act)).toEqual({ outcome: 'done', value: { result: 'changed' } });
    expect(await change(scene, act)).toEqual({ outcome: 'done', value: { result: 'unchanged' } });
    expect(await scene.registry.read([ownerKey('st-bert')])).toEqual([{ version: 1, owner: 'st-bert' }]);
    expect(entriesOf(scene)).toMatchObject([
      { stream: 'owner/st-bert', seq: 1, leaf: { kind: 'trust-changed' }, detail: { actor: { principal: PRINCIPAL } } },
    ]);
  });

  test.each([
    '',
    '.',
    '..',
    'root',
    'system',
    'admin',
    'wardkey',
    'Root',
    ' root ',
    'ｒｏｏｔ',
    'a',
    '-a',
    'a-',
    'x'.repeat(300),
  ])('T143 T141 is never called "%s"', async (owner) => {
    const scene = await makeScene();
    expect(await change(scene, { kind: 'add-owner', owner })).toMatchObject({
      outcome: 'refused',
      refusal: { reason: 'request-malformed' },
    });
    expect(scene.registry.rows('owners').filter(({ pk }) => pk === `owner#${owner}`)).toEqual([]);
  });
});

describe('T014 a lot', () => {
  const TERMS = { manufacturer: 'bravo', lot: '2026-11', product: 'pump', count: 500 };
  const SERIALS = { first: 'B0001', last: 'B0500' };
  const act = (terms: object = {}) => ({ kind: 'add-lot', ...TERMS, serials: SERIALS, ...terms });

  test('is agreed once, by a named principal, with its entry', async () => {
    const scene = await makeScene();
    expect(await change(scene, act())).toEqual({ outcome: 'done', value: { result: 'changed' } });
    expect(await change(scene, act())).toEqual({ outcome: 'done', value: { result: 'unchanged' } });
    expect(await scene.registry.read([lotKey('bravo', '2026-11')])).toEqual([
      { version: 1, ...TERMS, serials: SERIALS },
    ]);
    expect(entriesOf(scene)).toMatchObject([
      {
        stream: 'lot/bravo/2026-11',
        seq: 1,
        leaf: { kind: 'trust-changed' },
        detail: { actor: { principal: PRINCIPAL }, inputs: { ...TERMS, serials: SERIALS } },
      },
    ]);
  });

  test.each<[name: string, terms: object]>([
    ['more devices', { count: 501 }],
    ['another product', { product: 'monitor' }],
    ['another serial range', { serials: { first: 'B0001', last: 'B9999' } }],
    ['no serial range', { serials: undefined }],
  ])('never gets other terms: %s (lot-conflict)', async (_name, terms) => {
    const scene = await makeScene();
    await change(scene, act());
    const before = scene.registry.rows('owners');
    expect(await change(scene, JSON.parse(JSON.stringify(act(terms))) as Json)).toMatchObject({
      refusal: { reason: 'lot-conflict', lot: '2026-11' },
    });
    expect(scene.registry.rows('owners')).toEqual(before);
  });

  test.each<[name: string, terms: object]>([
    ['a name that is a path', { lot: '../7' }],
    ['a name with the separator of keys', { lot: '7#signer' }],
    ['no name', { lot: '' }],
    ['no device', { count: 0 }],
    ['fewer devices than none', { count: -1 }],
    ['a range that runs backwards', { serials: { first: 'B2', last: 'B1' } }],
    ['a range of two lengths', { serials: { first: 'B1', last: 'B10' } }],
    ['a manufacturer that is none', { manufacturer: 'Bravo Inc' }],
    ['T144 a member that is not asked for', { listed: 0 }],
  ])('with %s is refused as malformed', async (_name, terms) => {
    const scene = await makeScene();
    const before = scene.registry.rows('owners');
    expect(await change(scene, act(terms))).toMatchObject({ refusal: { reason: 'request-malformed' } });
    expect(scene.registry.rows('owners')).toEqual(before);
  });

  test('that two requests agree at once is a fault of the slower one, whose rerun compares', async () => {
    const scene = await makeScene();
    scene.registry.beforeCommit(async () => {
      await change(scene, act({ count: 7 }));
    });
    await expect(change(scene, act())).rejects.toMatchObject({ code: 'comparison-lost' });
    expect(await change(scene, act())).toMatchObject({ refusal: { reason: 'lot-conflict' } });
  });

  test('of a malformed row is a fault, never a new agreement', async () => {
    const scene = await makeScene();
    scene.registry.seed(lotKey('bravo', '2026-11'), { version: 1, count: 'many' });
    await expect(change(scene, act())).rejects.toMatchObject({ code: 'row-malformed' });
  });
});

describe('T022 an approver', () => {
  test.each<object>([
    { kind: 'add-owner', owner: 'st-bert' },
    { kind: 'add-lot', manufacturer: 'bravo', lot: '7', product: 'pump', count: 1 },
    { kind: 'add-root', manufacturer: 'bravo', certificate: 'PEM' },
    { kind: 'add-authority', manufacturer: 'bravo', certificate: 'PEM' },
    { kind: 'add-signer', manufacturer: 'bravo', certificate: 'PEM' },
    { kind: 'add-voucher-key', manufacturer: 'bravo', certificate: 'PEM' },
  ])('changes no trust: %j', async (act) => {
    const scene = await makeScene();
    const before = scene.registry.rows('owners');
    const event = requestAct(APPROVER, act as Json, { audience: AUDIENCE, now: NOW });
    expect(await changeTrust(event, scene)).toMatchObject({ refusal: { reason: 'not-permitted' } });
    expect(scene.registry.rows('owners')).toEqual(before);
  });
});

function change(scene: Scene, act: Json) {
  return changeTrust(requestAct(PRINCIPAL, act, { audience: AUDIENCE, now: NOW }), scene);
}
