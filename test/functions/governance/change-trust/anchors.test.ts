// Which certificates does the deployment come to trust, for which one purpose, and what can nobody make of them?
import { describe, expect, test } from 'vitest';

import { changeTrust } from '../../../../functions/governance/change-trust/flow.ts';
import type { Json } from '../../../../shared/canonical.ts';
import { anchorClaimKey, anchorKey, authorityKey } from '../../../../shared/identity/anchor.ts';
import { requestAct } from '../../../fakes/fake-caller-identity.ts';
import { InjectedFault } from '../../../fakes/faults.ts';
import { makeAuthority, makeSigner, type Party } from '../../../pki/certificates.ts';
import { makeWeakHouse } from '../../../pki/intermediate.ts';
import { faultPoints, plan } from '../../every-fault.ts';
import { AUDIENCE, entriesOf, gapsIn, makeScene, NOW, PRINCIPAL, stateOf, type Scene } from '../../scene.ts';

describe('an authority', () => {
  test('is registered with the broker and trusted for its maker, in one transaction with its entries', async () => {
    const { scene, bravo, run } = await authorityScene();
    const { fingerprint } = bravo.certificate;
    expect(await run()).toEqual({ outcome: 'done', value: { result: 'changed', fingerprint } });
    expect(scene.authorities.isOpen(fingerprint)).toBe(true);
    expect(await scene.registry.read([authorityKey(fingerprint), anchorClaimKey(fingerprint)])).toEqual([
      { version: 1, fingerprint, manufacturer: 'bravo' },
      { version: 1, purpose: 'authority', manufacturer: 'bravo' },
    ]);
    expect(
      entriesOf(scene)
        .map(({ stream }) => stream)
        .sort(),
    ).toEqual([`anchor/${fingerprint}`, `authority/${fingerprint}`]);
    expect(scene.registry.committed).toHaveLength(1);
  });

  test('named again changes nothing', async () => {
    const { scene, run } = await authorityScene();
    await run();
    const before = stateOf(scene);
    expect(await run()).toMatchObject({ value: { result: 'unchanged' } });
    expect(stateOf(scene)).toEqual(before);
  });

  test('named again after a teardown is brought back at the broker', async () => {
    const { scene, bravo, run } = await authorityScene();
    await run();
    await scene.authorities.remove(bravo.certificate.fingerprint);
    await run();
    expect(scene.authorities.isOpen(bravo.certificate.fingerprint)).toBe(true);
    expect(entriesOf(scene)).toHaveLength(2);
  });

  test('must be a certificate authority, or every device under it would fail later', async () => {
    const scene = await makeScene();
    const leaf = await makeSigner('Bravo Leaf');
    expect(await change(scene, add('add-authority', leaf))).toMatchObject({ refusal: { reason: 'not-an-authority' } });
    expect(scene.authorities.calls).toEqual([]);
    await expectUntrusted(scene, leaf);
  });

  test.each<[name: string, certificate: (pem: string) => string]>([
    ['no certificate', () => 'certificate'],
    ['two certificates', (pem) => pem + pem],
    ['a broken certificate', (pem) => pem.replace('MII', 'MIJ')],
  ])('is refused when %s was sent', async (_name, certificate) => {
    const { scene, bravo } = await authorityScene();
    const act = { kind: 'add-authority', manufacturer: 'bravo', certificate: certificate(bravo.pem) };
    expect(await change(scene, act)).toMatchObject({ refusal: { reason: 'certificate-malformed' } });
    await expectUntrusted(scene, bravo);
  });
});

describe('a signer', () => {
  test('is trusted for its maker, and the broker learns nothing of it', async () => {
    const scene = await makeScene();
    const signer = await makeSigner('Bravo Signer');
    expect(await change(scene, add('add-signer', signer))).toMatchObject({ value: { result: 'changed' } });
    const [row] = await scene.registry.read([anchorKey('bravo', 'signer', signer.certificate.fingerprint)]);
    expect(row).toMatchObject({ purpose: 'signer', manufacturer: 'bravo', certificate: signer.der.toString('base64') });
    expect(scene.authorities.calls).toEqual([]);
  });
});

describe('a root', () => {
  test('ends chains for its maker, and the broker learns nothing of it', async () => {
    const scene = await makeScene();
    const root = await makeAuthority('Bravo Chip Root');
    expect(await change(scene, add('add-root', root))).toMatchObject({ value: { result: 'changed' } });
    const { fingerprint } = root.certificate;
    expect(await scene.registry.read([anchorKey('bravo', 'root', fingerprint), authorityKey(fingerprint)])).toEqual([
      { version: 1, purpose: 'root', manufacturer: 'bravo', certificate: root.der.toString('base64') },
      undefined,
    ]);
    expect(scene.authorities.calls).toEqual([]);
    expect(await change(scene, add('add-root', root))).toMatchObject({ value: { result: 'unchanged' } });
    expect(entriesOf(scene)).toHaveLength(1);
  });

  test('must be a certificate authority', async () => {
    const scene = await makeScene();
    const leaf = await makeSigner('Bravo Leaf');
    expect(await change(scene, add('add-root', leaf))).toMatchObject({ refusal: { reason: 'not-an-authority' } });
    await expectUntrusted(scene, leaf);
  });
});

describe('a voucher key', () => {
  test('is pinned for its maker, and ends no chain and signs no manifest', async () => {
    const scene = await makeScene();
    const voucher = await makeSigner('Bravo Voucher Key');
    expect(await change(scene, add('add-voucher-key', voucher))).toMatchObject({ value: { result: 'changed' } });
    const { fingerprint } = voucher.certificate;
    const purposes = ['voucher', 'signer', 'authority', 'root'] as const;
    const rows = await scene.registry.read(purposes.map((purpose) => anchorKey('bravo', purpose, fingerprint)));
    expect(rows).toEqual([
      { version: 1, purpose: 'voucher', manufacturer: 'bravo', certificate: voucher.der.toString('base64') },
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('T017 a certificate with a key that anybody can find', () => {
  test.each(['add-authority', 'add-root', 'add-signer', 'add-voucher-key'] as const)(
    'is never trusted, by %s (key-unsupported)',
    async (kind) => {
      const scene = await makeScene();
      const { root } = await makeWeakHouse();
      expect(await change(scene, add(kind, root))).toMatchObject({ refusal: { reason: 'key-unsupported' } });
      await expectUntrusted(scene, root);
      expect(scene.authorities.calls).toEqual([]);
    },
  );
});

describe('one certificate is trusted for one purpose of one maker:', () => {
  test.each<[name: string, first: ReturnType<typeof wish>, second: ReturnType<typeof wish>]>([
    ['a signer never becomes an authority', wish('add-signer', 'bravo'), wish('add-authority', 'bravo')],
    ['an authority never becomes a signer', wish('add-authority', 'bravo'), wish('add-signer', 'bravo')],
    ['an authority never serves a second maker', wish('add-authority', 'bravo'), wish('add-authority', 'charly')],
    ['an authority never becomes a root', wish('add-authority', 'bravo'), wish('add-root', 'bravo')],
    ['a root never becomes an authority', wish('add-root', 'bravo'), wish('add-authority', 'bravo')],
    ['a root never serves a second maker', wish('add-root', 'bravo'), wish('add-root', 'charly')],
    ['a voucher key never becomes a signer', wish('add-voucher-key', 'bravo'), wish('add-signer', 'bravo')],
    ['a signer never becomes a voucher key', wish('add-signer', 'bravo'), wish('add-voucher-key', 'bravo')],
    ['a signer never serves a second maker', wish('add-signer', 'bravo'), wish('add-signer', 'charly')],
  ])('%s', async (_name, first, second) => {
    const { scene, bravo } = await authorityScene();
    await change(scene, { ...first, certificate: bravo.pem });
    const before = { owners: scene.registry.rows('owners'), calls: scene.authorities.calls.length };
    expect(await change(scene, { ...second, certificate: bravo.pem })).toMatchObject({
      refusal: { reason: 'anchor-conflict' },
    });
    expect({ owners: scene.registry.rows('owners'), calls: scene.authorities.calls.length }).toEqual(before);
  });
});

describe('when something fails', () => {
  test('T049 a rerun completes the change, whichever call failed', async () => {
    const model = await authorityScene();
    const points = await faultPoints(fakesOf(model.scene), model.run);
    expect(points.length).toBeGreaterThanOrEqual(8);
    for (const point of points) {
      const { scene, bravo, run } = await authorityScene();
      plan(fakesOf(scene), point);
      await expect(run(), JSON.stringify(point)).rejects.toThrow(InjectedFault);
      await run();
      expect(stateOf(scene), JSON.stringify(point)).toEqual(stateOf(model.scene));
      expect(scene.authorities.isOpen(bravo.certificate.fingerprint)).toBe(true);
      expect(gapsIn(scene)).toEqual([]);
    }
  });

  test('no row trusts a CA before the broker has it', async () => {
    const { scene, bravo, run } = await authorityScene();
    scene.authorities.failNext({ on: 'register', kept: false });
    await expect(run()).rejects.toThrow(InjectedFault);
    await expectUntrusted(scene, bravo);
  });

  test('a change that another made at the same time is a fault', async () => {
    const { scene, run } = await authorityScene();
    scene.registry.beforeCommit(async () => {
      await run();
    });
    await expect(run()).rejects.toMatchObject({ code: 'comparison-lost' });
    expect(entriesOf(scene)).toHaveLength(2);
  });
});

const fakesOf = ({ registry, authorities }: Scene) => ({ registry, authorities });

async function authorityScene() {
  const scene = await makeScene();
  const bravo = await makeAuthority('Bravo Root');
  return { scene, bravo, run: () => change(scene, add('add-authority', bravo)) };
}

function wish(kind: string, manufacturer: string) {
  return { kind, manufacturer };
}

function add(kind: 'add-authority' | 'add-root' | 'add-signer' | 'add-voucher-key', { pem }: Party) {
  return { kind, manufacturer: 'bravo', certificate: pem };
}

function change(scene: Scene, act: Json) {
  return changeTrust(requestAct(PRINCIPAL, act, { audience: AUDIENCE, now: NOW }), scene);
}

async function expectUntrusted({ registry }: Scene, { certificate: { fingerprint } }: Party): Promise<void> {
  const keys = [anchorClaimKey(fingerprint), authorityKey(fingerprint), anchorKey('bravo', 'authority', fingerprint)];
  expect(await registry.read(keys)).toEqual([undefined, undefined, undefined]);
}
