// Does an anchor say whether its devices need revocation lists, and can nobody take that back by asking again?
import { describe, expect, test } from 'vitest';

import { changeTrust } from '../../../../functions/governance/change-trust/flow.ts';
import type { Json } from '../../../../shared/canonical.ts';
import { anchorClaimKey, parseAnchorClaim } from '../../../../shared/identity/anchor.ts';
import { requestAct } from '../../../fakes/fake-caller-identity.ts';
import { makeAuthority } from '../../../pki/certificates.ts';
import { AUDIENCE, entriesOf, makeScene, NOW, PRINCIPAL, type Scene } from '../../scene.ts';

describe.each(['add-authority', 'add-root'] as const)('T040 an anchor, by %s,', (kind) => {
  test('requires revocation lists where that was asked for, with its entry, and otherwise not', async () => {
    for (const revocation of ['required', undefined] as const) {
      const { scene, fingerprint, add } = await anchorScene(kind);
      expect(await add(revocation)).toMatchObject({ value: { result: 'changed' } });
      const [row] = await scene.registry.read([anchorClaimKey(fingerprint)]);
      expect(parseAnchorClaim(row).revocation).toBe(revocation);
      const entry = entriesOf(scene).find(({ stream }) => stream === `anchor/${fingerprint}`);
      expect(entry?.detail.inputs['revocation']).toBe(revocation);
    }
  });

  test('named again the same way changes nothing', async () => {
    const { add } = await anchorScene(kind);
    await add('required');
    expect(await add('required')).toMatchObject({ value: { result: 'unchanged' } });
  });

  test.each([
    ['required', undefined],
    [undefined, 'required'],
  ] as const)('that was %s is not made %s by naming it again', async (first, second) => {
    const { scene, fingerprint, add } = await anchorScene(kind);
    await add(first);
    expect(await add(second)).toMatchObject({ refusal: { reason: 'anchor-conflict', fingerprint } });
    const [row] = await scene.registry.read([anchorClaimKey(fingerprint)]);
    expect(parseAnchorClaim(row).revocation).toBe(first);
  });

  test('requires no other word', async () => {
    const { scene, fingerprint, add } = await anchorScene(kind);
    for (const word of ['optional', '', true, null])
      expect(await add(word)).toMatchObject({ refusal: { reason: 'request-malformed' } });
    expect(await scene.registry.read([anchorClaimKey(fingerprint)])).toEqual([undefined]);
  });
});

async function anchorScene(kind: 'add-authority' | 'add-root') {
  const scene = await makeScene();
  const { certificate, pem } = await makeAuthority('Bravo Root');
  const act = { kind, manufacturer: 'bravo', certificate: pem };
  const add = (revocation?: Json) => ask(scene, revocation === undefined ? act : { ...act, revocation });
  return { scene, fingerprint: certificate.fingerprint, add };
}

function ask(scene: Scene, act: Json) {
  return changeTrust(requestAct(PRINCIPAL, act, { audience: AUDIENCE, now: NOW }), scene);
}
