// Does an owner get an issuing authority only when two people agree on its very certificates and keys?
import { describe, expect, test } from 'vitest';

import { createAuthority, showOwnersAuthority } from '../../../../functions/issuance/create-authority/flow.ts';
import { approvalKey } from '../../../../shared/governance/approval.ts';
import { issuingKey, ownerAuthorityKey } from '../../../../shared/issuance/authority.ts';
import { authorityRequestKey } from '../../../../shared/issuance/authority-request.ts';
import { termsDigest } from '../../../../shared/issuance/check-authority.ts';
import { requestAct } from '../../../fakes/fake-caller-identity.ts';
import { InjectedFault } from '../../../fakes/faults.ts';
import { faultPoints, plan } from '../../every-fault.ts';
import { holdCeremony, seedKeys, valueOf, type KeyScene } from '../../issuance-scene.ts';
import { APPROVER, AUDIENCE, entriesOf, gapsIn, kindsOf, NOW, OWNER, PRINCIPAL, stateOf } from '../../scene.ts';
import { approve, approvedIn, ceremonyScene, create, requestAuthority, requestedIn } from './acts.ts';

describe('a request for an authority', () => {
  test('waits for another person, and changes nothing else', async () => {
    const { scene, ceremony } = await ceremonyScene();
    const shown = await requestedIn(scene, ceremony.terms);
    expect(shown).toMatchObject({
      requester: PRINCIPAL,
      act: {
        kind: 'create-authority',
        owner: OWNER,
        root: ceremony.root.fingerprint,
        issuing: ceremony.issuing.fingerprint,
        terms: termsDigest(ceremony.terms),
      },
    });
    expect(await scene.registry.read([issuingKey(ceremony.issuing.fingerprint), ownerAuthorityKey(OWNER)])).toEqual([
      undefined,
      undefined,
    ]);
    expect(await scene.authorities.isRegistered(ceremony.issuing.fingerprint)).toBe(false);
    expect(kindsOf(scene, `approval/${shown.approval}`)).toEqual(['approval-requested']);
  });

  test('is recorded with digests of certificates, and neither the sealed key nor a certificate whole', async () => {
    const { scene, ceremony } = await ceremonyScene();
    await requestedIn(scene, ceremony.terms);
    const text = JSON.stringify(scene.registry.rows('ledger'));
    const { certificate, root, delivery } = ceremony.terms;
    for (const secret of [delivery.sealed, certificate, root, delivery.certificate]) expect(text).not.toContain(secret);
    expect(entriesOf(scene).at(-1)?.detail.inputs).toMatchObject({
      act: 'create-authority',
      home: ceremony.terms.home,
      rootHome: 'a token in the safe',
    });
  });

  test('for an owner that nobody knows is refused', async () => {
    const { scene, ceremony } = await ceremonyScene({ owner: 'st-nobody' });
    expect(await requestAuthority(scene, ceremony.terms)).toMatchObject({
      refusal: { reason: 'owner-unknown', owner: 'st-nobody' },
    });
  });

  test('that was made before asks nobody again', async () => {
    const { scene, ceremony } = await createdScene();
    expect(await requestAuthority(scene, ceremony.terms)).toMatchObject({ value: { result: 'unchanged' } });
  });

  test('by somebody without the role is refused', async () => {
    const { scene, ceremony } = await ceremonyScene();
    expect(await requestAuthority(scene, ceremony.terms, APPROVER)).toMatchObject({
      refusal: { reason: 'not-permitted' },
    });
  });
});

describe('creation', () => {
  test('registers the CA closed to what connects, and names it the one that signs for its owner', async () => {
    const { scene, ceremony } = await ceremonyScene();
    const approval = await approvedIn(scene, ceremony.terms);
    const { fingerprint } = ceremony.issuing;
    expect(await create(scene, approval)).toMatchObject({
      outcome: 'done',
      value: { result: 'created', authority: { owner: OWNER, issuing: { fingerprint }, approval } },
    });
    const [row, pointer] = await scene.registry.read([issuingKey(fingerprint), ownerAuthorityKey(OWNER)]);
    expect(row).toEqual({ ...ceremony.terms, version: 1, createdAt: NOW, caCertificateId: fingerprint, approval });
    expect(pointer).toEqual({ version: 1, fingerprint });
    expect(await scene.authorities.isRegistered(fingerprint)).toBe(true);
    expect(scene.authorities.isOpen(fingerprint)).toBe(false);
  });

  test('is recorded with both people', async () => {
    const { scene, ceremony } = await ceremonyScene();
    const approval = await approvedIn(scene, ceremony.terms);
    await create(scene, approval);
    const stream = `issuing/${ceremony.issuing.fingerprint}`;
    expect(kindsOf(scene, stream)).toEqual(['authority-created']);
    expect(entriesOf(scene).find((entry) => entry.stream === stream)?.detail).toMatchObject({
      owner: OWNER,
      actor: { kind: 'iam', principal: PRINCIPAL },
      inputs: { approval, requester: PRINCIPAL, approver: APPROVER, caCertificateId: ceremony.issuing.fingerprint },
    });
    expect(gapsIn(scene)).toEqual([]);
  });

  test('twice is one authority', async () => {
    const { scene, approval } = await createdScene();
    const before = scene.registry.rows('owners');
    expect(await create(scene, approval)).toMatchObject({ value: { result: 'unchanged' } });
    expect(scene.registry.rows('owners')).toEqual(before);
  });

  test('beside another is a fault of the slower one, and its rerun finds it made', async () => {
    const { scene, ceremony } = await ceremonyScene();
    const approval = await approvedIn(scene, ceremony.terms);
    scene.registry.beforeCommit(async () => {
      valueOf(await create(scene, approval));
    });
    await expect(create(scene, approval)).rejects.toMatchObject({ code: 'comparison-lost' });
    expect(await create(scene, approval)).toMatchObject({ value: { result: 'unchanged' } });
  });

  test('of a second authority moves the pointer, and leaves the first one in its row', async () => {
    const { scene, ceremony } = await createdScene();
    const second = await holdCeremony({ name: 'second' });
    await seedKeys(scene, second);
    valueOf(await create(scene, await approvedIn(scene, second.terms)));
    const keys = [ownerAuthorityKey(OWNER), issuingKey(ceremony.issuing.fingerprint)];
    const [pointer, first] = await scene.registry.read(keys);
    expect(pointer).toEqual({ version: 2, fingerprint: second.issuing.fingerprint });
    expect(first).toMatchObject({ certificate: ceremony.terms.certificate });
  });

  test('of the first again does not move the pointer back', async () => {
    const { scene, approval } = await createdScene();
    const second = await holdCeremony({ name: 'second' });
    await seedKeys(scene, second);
    valueOf(await create(scene, await approvedIn(scene, second.terms)));
    valueOf(await create(scene, approval));
    expect(await scene.registry.read([ownerAuthorityKey(OWNER)])).toEqual([
      { version: 2, fingerprint: second.issuing.fingerprint },
    ]);
  });
});

describe('T138 creation', () => {
  test('of what nobody approved is refused', async () => {
    const { scene, ceremony } = await ceremonyScene();
    const { approval } = await requestedIn(scene, ceremony.terms);
    expect(await create(scene, approval)).toMatchObject({ refusal: { reason: 'approval-open', approval } });
    await expectNothing(scene, ceremony.issuing.fingerprint);
  });

  test('of what its requester approved is refused: two roles in one hand are one person', async () => {
    const { scene: made, ceremony } = await ceremonyScene();
    const scene = { ...made, roles: { operator: [PRINCIPAL], approver: [PRINCIPAL] } };
    const shown = await requestedIn(scene, ceremony.terms);
    expect(await approve(scene, shown, PRINCIPAL)).toMatchObject({ refusal: { reason: 'approver-is-requester' } });
    expect(await create(scene, shown.approval)).toMatchObject({ refusal: { reason: 'approval-open' } });
  });

  test('of other terms than the approved ones is refused: somebody changed the row', async () => {
    const { scene, ceremony } = await ceremonyScene();
    const approval = await approvedIn(scene, ceremony.terms);
    const terms = { ...ceremony.terms, validityDays: 397 };
    scene.registry.seed(authorityRequestKey(approval), { version: 1, terms });
    expect(await create(scene, approval)).toEqual({
      outcome: 'refused',
      refusal: { reason: 'approval-differs', expected: termsDigest(ceremony.terms), got: termsDigest(terms) },
    });
    await expectNothing(scene, ceremony.issuing.fingerprint);
  });

  test('by an approval of another act, or of none, is refused', async () => {
    const { scene, ceremony } = await ceremonyScene();
    const approval = await approvedIn(scene, ceremony.terms);
    const [row] = await scene.registry.read([approvalKey(approval)]);
    const act = { kind: 'release-held', devices: ['acme-P1001'] };
    scene.registry.seed(approvalKey(approval), { ...row, act });
    expect(await create(scene, approval)).toMatchObject({ refusal: { reason: 'approval-unknown' } });
    expect(await create(scene, 'nobody')).toMatchObject({ refusal: { reason: 'approval-unknown' } });
    await expectNothing(scene, ceremony.issuing.fingerprint);
  });

  test('by somebody without the role is refused', async () => {
    const { scene, ceremony } = await ceremonyScene();
    const approval = await approvedIn(scene, ceremony.terms);
    expect(await create(scene, approval, APPROVER)).toMatchObject({ refusal: { reason: 'not-permitted' } });
    await expectNothing(scene, ceremony.issuing.fingerprint);
  });

  test('that nobody signed is refused', async () => {
    const { scene, ceremony } = await ceremonyScene();
    const approval = await approvedIn(scene, ceremony.terms);
    const event = requestAct(PRINCIPAL, { kind: 'create-authority', approval }, { audience: AUDIENCE, now: NOW });
    const forged = { ...event, act: { kind: 'create-authority', approval: 'other' } };
    expect(await createAuthority(forged, scene)).toMatchObject({ refusal: { reason: 'caller-unproved' } });
    await expectNothing(scene, ceremony.issuing.fingerprint);
  });
});

describe('a call that fails', () => {
  test.each(['request', 'create'] as const)('in %s leaves what the next try completes', async (step) => {
    const model = await stepScene(step);
    const points = await faultPoints(fakesOf(model.scene), model.run);
    const calls = step === 'request' ? ['registry read', 'registry commit', 'inspector describe'] : AT_CREATION;
    expect(new Set(points.map(({ fake, on }) => `${fake} ${on}`))).toEqual(new Set(calls));
    for (const point of points) {
      const { scene, run, fingerprint } = await stepScene(step);
      plan(fakesOf(scene), point);
      await expect(run(), JSON.stringify(point)).rejects.toThrow(InjectedFault);
      valueOf(await run());
      expect(gapsIn(scene)).toEqual([]);
      if (step === 'create') {
        expect(authorityRows(scene), JSON.stringify(point)).toEqual(authorityRows(model.scene));
        expect(await scene.authorities.isRegistered(fingerprint)).toBe(true);
      }
    }
  });
});

describe('the authority of an owner', () => {
  test('is shown with its chain and its home', async () => {
    const { scene, ceremony } = await createdScene();
    expect(await showOwnersAuthority(OWNER, scene)).toMatchObject({
      value: {
        owner: OWNER,
        root: { fingerprint: ceremony.root.fingerprint },
        issuing: { fingerprint: ceremony.issuing.fingerprint, pem: ceremony.issuing.certificate.x509.toString() },
        home: ceremony.terms.home,
      },
    });
  });

  test('that has none is told so', async () => {
    const { scene } = await ceremonyScene();
    expect(await showOwnersAuthority(OWNER, scene)).toMatchObject({ refusal: { reason: 'authority-absent' } });
  });

  test('whose row is missing is a fault', async () => {
    const { scene } = await ceremonyScene();
    scene.registry.seed(ownerAuthorityKey(OWNER), { version: 1, fingerprint: 'f'.repeat(64) });
    await expect(showOwnersAuthority(OWNER, scene)).rejects.toMatchObject({ code: 'row-malformed' });
  });
});

const AT_CREATION = ['registry read', 'registry commit', 'authorities registerIssuing'];

function fakesOf({ registry, inspector, authorities }: KeyScene) {
  return { registry, inspector, authorities };
}

async function stepScene(step: 'request' | 'create') {
  const { scene, ceremony } = await ceremonyScene();
  const { fingerprint } = ceremony.issuing;
  if (step === 'request') return { scene, fingerprint, run: () => requestAuthority(scene, ceremony.terms) };
  const approval = await approvedIn(scene, ceremony.terms);
  return { scene, fingerprint, run: () => create(scene, approval) };
}

function authorityRows(scene: KeyScene) {
  const { owners, entries } = stateOf(scene);
  return { owners, kinds: entries.map(({ stream, kind }) => [stream, kind]) };
}

async function createdScene() {
  const { scene, ceremony } = await ceremonyScene();
  const approval = await approvedIn(scene, ceremony.terms);
  valueOf(await create(scene, approval));
  return { scene, ceremony, approval };
}

async function expectNothing({ registry, authorities }: KeyScene, fingerprint: string): Promise<void> {
  expect(await registry.read([issuingKey(fingerprint), ownerAuthorityKey(OWNER)])).toEqual([undefined, undefined]);
  expect(authorities.calls).toEqual([]);
}
