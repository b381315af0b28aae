// Is a device given a certificate of its owner's for a key it has just made, and is every part of that on record?
import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';

import { issueCertificate } from '../../../../functions/issuance/issue-certificate/flow.ts';
import { parseCertificate } from '../../../../shared/identity/certificate.ts';
import { readCommissioned } from '../../../../shared/issuance/commission.ts';
import { issuedKey, outcomeKey } from '../../../../shared/issuance/intent.ts';
import { ownerAuthorityKey } from '../../../../shared/issuance/authority.ts';
import { keyClaimKey } from '../../../../shared/whitelist/listing.ts';
import { craftRequest, extensionRequest } from '../../../pki/certificate-requests.ts';
import { basic, keysOf } from '../../../pki/crafted.ts';
import { askFor, idOf, issuedTo, makeIssuanceScene, messageOf, registerPump, valueOf } from '../../issuance-scene.ts';
import { entriesOf, gapsIn, kindsOf, OWNER, readDevice } from '../../scene.ts';

describe('a registered device that asks', () => {
  test('is answered with a certificate of the profile and its chain, and its row offers it', async () => {
    const { scene, pump, run } = await askingScene();
    expect(await run()).toEqual({ outcome: 'done', value: { device: pump.id, verdict: 'issued' } });
    const [answer, ...more] = issuedTo(scene, pump.id);
    expect(more).toEqual([]);
    const der = Buffer.from(answer?.certificate ?? '', 'base64url');
    const issued = readCommissioned(der, scene.issuing.issuer);
    expect(issued.prepared).toMatchObject({ kind: 'operational', commonName: pump.id });
    expect(answer?.chain.map((one) => valueOf(parseCertificate(Buffer.from(one, 'base64url'))).fingerprint)).toEqual([
      scene.ceremony.issuing.fingerprint,
      scene.ceremony.root.fingerprint,
    ]);
    // Two thirds of ninety days that began five minutes ago.
    expect(answer?.renewFrom).toBe('2027-01-23T11:54:59.000Z');
    const { prepared, fingerprint: certificateId } = issued;
    expect(await readDevice(scene, pump.id)).toMatchObject({
      state: 'registered',
      offered: {
        certificateId,
        issuer: scene.ceremony.issuing.fingerprint,
        serial: prepared.serial,
        issuedAt: scene.clock.now(),
        renewFrom: answer?.renewFrom,
        notAfter: '2027-02-22T11:54:59.000Z',
      },
      brokerPending: scene.clock.now(),
    });
    expect(prepared).toMatchObject({ notBefore: '2026-11-24T11:55:00.000Z', notAfter: '2027-02-22T11:54:59.000Z' });
  });

  test('has each part on record: intent, attempt, signature and offer, each once', async () => {
    const { scene, pump, run } = await askingScene();
    await run();
    expect(kindsOf(scene, `issuance/${pump.id}/request-a`)).toEqual(['issuance-intended', 'certificate-signed']);
    expect(kindsOf(scene, `device/${pump.id}`)).toEqual(['claimed', 'admitted', 'aligned', 'certificate-offered']);
    const attempts = entriesOf(scene).filter(({ leaf }) => leaf.kind === 'signature-attempted');
    expect(attempts.map(({ detail }) => detail.inputs)).toEqual([
      { request: 'request-a', keyArn: keyArnIn(scene), number: 1, call: 'kms-1' },
    ]);
    expect(gapsIn(scene)).toEqual([]);
  });

  test('has entries that name owner, device and certificate, and hold neither the request nor its private key', async () => {
    const { scene, pump, run } = await askingScene();
    await run();
    const csr = craftRequest({ name: pump.id, key: `key of ${pump.id} for request-a` });
    const { d = '' } = keysOf(`key of ${pump.id} for request-a`).privateKey.export({ format: 'jwk' });
    const parts = [csr, Buffer.from(d, 'base64url')].flatMap((bytes) => [
      bytes.toString('base64'),
      bytes.toString('base64url'),
      bytes.toString('hex'),
    ]);
    const written = entriesOf(scene).filter(({ stream }) => stream.startsWith('issuance/'));
    for (const { detail } of written)
      expect(detail).toMatchObject({
        owner: OWNER,
        device: pump.id,
        actor: { kind: 'certificate', certificateId: pump.certificateId },
      });
    const text = JSON.stringify(scene.registry.rows('ledger'));
    expect(parts.filter((part) => text.includes(part))).toEqual([]);
  });

  test('asks for the alignment of its row, and of nothing else', async () => {
    const { scene, pump, run } = await askingScene();
    await run();
    expect(scene.alignments.requested).toEqual([pump.id]);
    expect(scene.alignments.requestedRevocations).toEqual([]);
  });

  test('hears of its certificate only what was stored', async () => {
    const { scene, pump, run } = await askingScene();
    await run();
    const [answer] = issuedTo(scene, pump.id);
    const certificateId = idOf(answer ?? { certificate: '' });
    const [outcome, issued] = await scene.registry.read([outcomeKey(pump.id, 'request-a'), issuedKey(certificateId)]);
    expect(outcome).toMatchObject({ certificateId });
    expect(Buffer.from(String(issued?.['certificate']), 'base64').toString('base64url')).toBe(answer?.certificate);
  });

  test('T084 is given profile fields only, whatever else it wishes: no cA, no other name, no life of its own', async () => {
    const { scene, pump } = await askingScene();
    const csr = { attributes: [extensionRequest(basic(true))] };
    valueOf(await issueCertificate(await askFor(scene, pump.id, { csr }), scene));
    const [answer] = issuedTo(scene, pump.id);
    const x509 = new X509Certificate(Buffer.from(answer?.certificate ?? '', 'base64url'));
    expect({ ca: x509.ca, subject: x509.subject, names: x509.subjectAltName }).toEqual({
      ca: false,
      subject: `CN=${pump.id}`,
      names: `URI:urn:wardkey:device:${pump.id}`,
    });
  });

  test('with a key of another algorithm in its authority is served the same', async () => {
    const scene = await makeIssuanceScene({ algorithm: 'ES384', name: 'p384' });
    const pump = await registerPump(scene);
    valueOf(await issueCertificate(await askFor(scene, pump.id), scene));
    expect(issuedTo(scene, pump.id)).toHaveLength(1);
  });
});

describe('a message that is not a request', () => {
  test.each([
    ['no JSON', 'no'],
    ['without an id', { csr: 'AAAA' }],
    ['without a request', { requestId: 'a' }],
    ['with an id that has power in a key', { requestId: 'a#b', csr: 'AAAA' }],
  ])('%s: is refused, recorded, and answered by nothing', async (_title, payload) => {
    const { scene, pump } = await askingScene();
    const body = messageOf(pump.id, payload, { principal: pump.certificateId, receivedAt: scene.clock.now() });
    expect(await issueCertificate(body, scene)).toMatchObject({ refusal: { reason: 'request-malformed' } });
    expect(scene.topics.published).toEqual([]);
    const refused = entriesOf(scene).filter(({ leaf }) => leaf.kind === 'refused');
    expect(refused).toMatchObject([{ detail: { device: pump.id, reason: 'request-malformed' } }]);
  });

  test('of which the broker tells nothing that can be believed is refused, and nobody is answered', async () => {
    const { scene } = await askingScene();
    const before = entriesOf(scene).length;
    expect(await issueCertificate('{}', scene)).toMatchObject({ refusal: { reason: 'request-malformed' } });
    expect(scene.topics.published).toEqual([]);
    expect(entriesOf(scene)).toHaveLength(before);
  });
});

test('without an authority of its owner nobody else signs in its place', async () => {
  const { scene, pump } = await askingScene();
  const body = await askFor(scene, pump.id);
  const stranger = await makeIssuanceScene({ owner: 'st-mary' });
  const other = await registerPump(stranger);
  expect(other.id).toBe(pump.id);
  expect(await issueCertificate(body, stranger)).toEqual({
    outcome: 'refused',
    refusal: { reason: 'authority-absent', owner: OWNER },
  });
  expect(stranger.keys.signed).toEqual([]);
  expect(await stranger.registry.read([ownerAuthorityKey(OWNER)])).toEqual([undefined]);
});

test('the key of a request is claimed with its intent, for this device', async () => {
  const { scene, pump, run } = await askingScene();
  await run();
  const intended = entriesOf(scene).find(({ leaf }) => leaf.kind === 'issuance-intended');
  const key = intended?.detail.inputs['keyFingerprint'] as string;
  expect(await scene.registry.read([keyClaimKey(key)])).toEqual([{ version: 1, device: pump.id }]);
});

async function askingScene() {
  const scene = await makeIssuanceScene();
  const pump = await registerPump(scene);
  const body = await askFor(scene, pump.id);
  return { scene, pump, run: () => issueCertificate(body, scene) };
}

function keyArnIn({ issuing: { home } }: Awaited<ReturnType<typeof makeIssuanceScene>>): string {
  return home.kind === 'kms' ? home.keyArn : '';
}
