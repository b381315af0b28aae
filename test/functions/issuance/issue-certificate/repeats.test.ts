// What does a device get that asks again, or asks in haste? The same bytes for the same request, and no second certificate.
import { describe, expect, test } from 'vitest';

import { confirmCertificate } from '../../../../functions/issuance/confirm-certificate/flow.ts';
import { issueCertificate } from '../../../../functions/issuance/issue-certificate/flow.ts';
import { alignDevice } from '../../../../functions/onboarding/align-broker/flow.ts';
import { revokedOf } from '../../../../shared/issuance/ending.ts';
import { certificateKey } from '../../../../shared/whitelist/certificate-row.ts';
import {
  askFor,
  confirmationOf,
  holdCeremony,
  idOf,
  installAuthority,
  issuedTo,
  makeIssuanceScene,
  offeredTo,
  registerPump,
  rotate,
  untilRenewal,
  valueOf,
  type Asking,
} from '../../issuance-scene.ts';
import { entriesOf, gapsIn, kindsOf, readDevice } from '../../scene.ts';

describe('T088 the same request again', () => {
  test('is answered with the same bytes, and makes one certificate', async () => {
    const { scene, pump, ask } = await askedScene();
    await ask();
    const [first, second] = issuedTo(scene, pump.id);
    expect(second).toEqual(first);
    expect(scene.keys.signed).toHaveLength(1);
    expect(kindsOf(scene, `issuance/${pump.id}/request-a`)).toEqual(['issuance-intended', 'certificate-signed']);
    expect(kindsOf(scene, `device/${pump.id}`).filter((kind) => kind === 'certificate-offered')).toHaveLength(1);
    expect(gapsIn(scene)).toEqual([]);
  });

  test('also long after, and beyond every pace: it is the same certificate still', async () => {
    const { scene, pump, ask } = await askedScene();
    scene.clock.advance(86_400_000);
    expect(await ask()).toMatchObject({ outcome: 'done' });
    expect(new Set(issuedTo(scene, pump.id).map(({ certificate }) => certificate)).size).toBe(1);
  });

  test('asks for the alignment again: the first request for it may have been lost', async () => {
    const { scene, pump, ask } = await askedScene();
    scene.alignments.requested.length = 0;
    await ask();
    expect(scene.alignments.requested).toEqual([pump.id]);
  });

  test('is answered by the authority that its intent names, also when the owner has another since', async () => {
    const { scene, pump, ask } = await askedScene();
    await installAuthority(scene, await holdCeremony({ name: 'second' }));
    await ask();
    const [first, second] = issuedTo(scene, pump.id);
    expect(second).toEqual(first);
  });

  test('whose signature was lost is signed by the authority of its intent, and not by the one the owner has since', async () => {
    const { scene, pump, body } = await registeredScene();
    scene.keys.failNext({ on: 'sign', kept: true });
    await expect(issueCertificate(body, scene)).rejects.toThrow('told to fail');
    await installAuthority(scene, await holdCeremony({ name: 'second' }));
    valueOf(await issueCertificate(body, scene));
    expect(new Set(scene.keys.signed.map(({ keyArn }) => keyArn)).size).toBe(1);
    expect((await readDevice(scene, pump.id)) as object).toMatchObject({
      offered: { issuer: scene.ceremony.issuing.fingerprint },
    });
  });

  test('after its certificate was confirmed is over: it would be asked for over a certificate that is spent', async () => {
    const { scene, pump, ask } = await askedScene();
    await alignDevice(pump.id, scene);
    const certificateId = await offeredTo(scene, pump.id);
    valueOf(await confirmCertificate(confirmationOf(scene, pump.id, certificateId), scene));
    expect(await ask()).toMatchObject({ refusal: { reason: 'certificate-not-current' } });
    expect(issuedTo(scene, pump.id)).toHaveLength(1);
  });

  test('over the certificate that it was answered with is over', async () => {
    const { scene, pump, body } = await askedScene();
    await alignDevice(pump.id, scene);
    const principal = await offeredTo(scene, pump.id);
    valueOf(await confirmCertificate(confirmationOf(scene, pump.id, principal), scene));
    const again = JSON.stringify({ ...(JSON.parse(body) as object), principal });
    expect(await issueCertificate(again, scene)).toMatchObject({ refusal: { reason: 'request-over' } });
  });
});

describe('T089 the id of one request', () => {
  test('names no other request: another key under it is refused, and the first is answered still', async () => {
    const { scene, pump, ask } = await askedScene();
    const other = await askFor(scene, pump.id, { csr: { key: 'another' } });
    expect(await issueCertificate(other, scene)).toMatchObject({
      refusal: { reason: 'request-differs', requestId: 'request-a' },
    });
    await ask();
    expect(new Set(issuedTo(scene, pump.id).map(idOf)).size).toBe(1);
    expect(scene.keys.signed).toHaveLength(1);
  });

  test('of one device is free for another', async () => {
    const { scene } = await askedScene();
    const second = await registerPump(scene, 'P2002');
    valueOf(await issueCertificate(await askFor(scene, second.id), scene));
    expect(issuedTo(scene, second.id)).toHaveLength(1);
  });
});

describe('pace: another request', () => {
  test.each([
    [5 * 60_000 - 1, 'refused'],
    [5 * 60_000, 'done'],
  ] as const)('%i ms after a certificate was given is %s', async (later, outcome) => {
    const { scene, pump } = await askedScene();
    const issuedAt = scene.clock.now();
    scene.clock.advance(later);
    const again = await issueCertificate(await askFor(scene, pump.id, { requestId: 'request-b' }), scene);
    expect(again.outcome).toBe(outcome);
    if (again.outcome === 'refused') expect(again.refusal).toMatchObject({ reason: 'issued-recently', issuedAt });
  });

  test.each([
    [-1, 'refused'],
    [0, 'done'],
  ] as const)('%i ms from two thirds of the life of a certificate is %s', async (later, outcome) => {
    const { scene, pump } = await registeredScene();
    await rotate(scene, pump.id);
    await untilRenewal(scene, pump.id);
    scene.clock.advance(later);
    const again = await issueCertificate(await askFor(scene, pump.id, { requestId: 'request-b' }), scene);
    expect(again.outcome).toBe(outcome);
    if (again.outcome === 'refused') expect(again.refusal.reason).toBe('renewal-early');
  });

  test('later replaces what was offered: that one is taken back, and the broker forgets it', async () => {
    const { scene, pump } = await askedScene();
    const first = await offeredTo(scene, pump.id);
    await alignDevice(pump.id, scene);
    scene.clock.advance(3_600_000);
    valueOf(await issueCertificate(await askFor(scene, pump.id, { requestId: 'request-b' }), scene));
    expect(await offeredTo(scene, pump.id)).not.toBe(first);
    expect(scene.alignments.requestedRevocations).toEqual([first]);
    expect(await scene.registry.read([certificateKey(first)])).toMatchObject([{ wanted: 'removed', device: pump.id }]);
    const { table, pk } = revokedOf(scene.ceremony.issuing.fingerprint);
    expect(await scene.registry.list(table, pk, 'revoked#')).toMatchObject([{ reason: 'superseded' }]);
  });

  test('for one whose offer was replaced is over: what has ended does not come back', async () => {
    const { scene, pump, ask } = await askedScene();
    scene.clock.advance(3_600_000);
    valueOf(await issueCertificate(await askFor(scene, pump.id, { requestId: 'request-b' }), scene));
    const offered = await offeredTo(scene, pump.id);
    expect(await ask()).toMatchObject({ refusal: { reason: 'request-over', requestId: 'request-a' } });
    expect(await offeredTo(scene, pump.id)).toBe(offered);
  });
});

describe('a refusal', () => {
  test('is recorded once and counted, however often it is asked for', async () => {
    const { scene, pump } = await askedScene();
    const other = await askFor(scene, pump.id, { csr: { key: 'another' } });
    for (let time = 0; time < 3; time += 1) await issueCertificate(other, scene);
    expect(entriesOf(scene).filter(({ leaf }) => leaf.kind === 'refused')).toHaveLength(1);
    const rows = scene.registry.rows('devices').filter(({ row }) => row['reason'] === 'request-differs');
    expect(rows.map(({ row }) => row['repeats'])).toEqual([2]);
  });

  test('is told to the device without its reason, each time', async () => {
    const { scene, pump } = await askedScene();
    const other = await askFor(scene, pump.id, { csr: { key: 'another' } });
    await issueCertificate(other, scene);
    await issueCertificate(other, scene);
    const told = { requestId: 'request-a', error: 'refused' };
    expect(scene.topics.on(`wardkey/${pump.id}/certificate/rejected`)).toEqual([told, told]);
  });
});

describe('T090 a signing key that cannot be used', () => {
  test('is a fault, and leaves the device as it was; later the same request is served', async () => {
    const { scene, pump, body } = await registeredScene();
    const before = await readDevice(scene, pump.id);
    scene.keys.disable(homeOf(scene));
    await expect(issueCertificate(body, scene)).rejects.toMatchObject({ code: 'key-unusable' });
    await expect(issueCertificate(body, scene)).rejects.toMatchObject({ code: 'key-unusable' });
    expect(await readDevice(scene, pump.id)).toEqual(before);
    expect(scene.topics.published).toEqual([]);
    scene.keys.enable(homeOf(scene));
    expect(await issueCertificate(body, scene)).toMatchObject({ value: { verdict: 'issued' } });
    expect(issuedTo(scene, pump.id)).toHaveLength(1);
    const attempts = entriesOf(scene).filter(({ leaf }) => leaf.kind === 'signature-attempted');
    expect(attempts.map(({ detail }) => detail.inputs['error'])).toEqual(['Fault', 'Fault', undefined]);
    expect(kindsOf(scene, `issuance/${pump.id}/request-a`)).toEqual(['issuance-intended', 'certificate-signed']);
  });

  test('whose call cannot be recorded answers nothing, signed or not', async () => {
    const { scene, pump, body } = await registeredScene();
    // The first commit is the intent, the second one the record of the call.
    scene.registry.failNext({ on: 'commit', kept: false, after: 1 });
    await expect(issueCertificate(body, scene)).rejects.toThrow('told to fail');
    expect(scene.keys.signed).toHaveLength(1);
    expect(issuedTo(scene, pump.id)).toEqual([]);
    expect(await readDevice(scene, pump.id)).not.toHaveProperty('offered');
  });
});

async function registeredScene(asking: Asking = {}) {
  const scene = await makeIssuanceScene();
  const pump = await registerPump(scene);
  return { scene, pump, body: await askFor(scene, pump.id, asking) };
}

async function askedScene() {
  const { scene, pump, body } = await registeredScene();
  const ask = () => issueCertificate(body, scene);
  valueOf(await ask());
  return { scene, pump, body, ask };
}

function homeOf({ issuing: { home } }: Awaited<ReturnType<typeof makeIssuanceScene>>): string {
  return home.kind === 'kms' ? home.keyArn : '';
}
