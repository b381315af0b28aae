// For which key, for whom, and over which connection? Whatever does not belong together gets no certificate.
import { createPublicKey, KeyObject, webcrypto } from 'node:crypto';
import { describe, expect, test } from 'vitest';

import { issueCertificate } from '../../../../functions/issuance/issue-certificate/flow.ts';
import type { RefusalReason } from '../../../../shared/reasons.ts';
import { keysOf } from '../../../pki/crafted.ts';
import {
  askFor,
  makeIssuanceScene,
  registerPump,
  rotate,
  untilRenewal,
  valueOf,
  type Asking,
  type IssuanceScene,
} from '../../issuance-scene.ts';
import { entriesOf, gapsIn, listPump, readDevice } from '../../scene.ts';

describe('T083 the key of a request', () => {
  test('that its sender cannot use is refused: anybody could have the key of another certified', async () => {
    const { scene, pump } = await registeredScene();
    const csr = { signedBy: keysOf('a key of somebody else') };
    await expectRefusal(scene, { device: pump.id, asking: { csr } }, 'possession-unproved');
  });

  test('that is the one of the factory is refused: it would never be replaced', async () => {
    const { scene, pump } = await registeredScene();
    const csr = { spki: await spkiOf(pump.party.keys.publicKey), signedBy: keysFrom(pump.party.keys.privateKey) };
    await expectRefusal(scene, { device: pump.id, asking: { csr } }, 'key-taken');
  });

  test('that stands on the whitelist for another device is refused', async () => {
    const { scene, pump } = await registeredScene();
    const { party } = await listPump(scene, 'P2002');
    const csr = { spki: await spkiOf(party.keys.publicKey), signedBy: keysFrom(party.keys.privateKey) };
    const refusal = await expectRefusal(scene, { device: pump.id, asking: { csr } }, 'key-taken');
    expect(refusal).toMatchObject({ device: pump.id, listed: 'acme-P2002' });
  });

  test('that was seen on another device is refused', async () => {
    const { scene, pump } = await registeredScene();
    const other = await registerPump(scene, 'P2002');
    valueOf(await issueCertificate(await askFor(scene, other.id, { csr: { key: 'shared' } }), scene));
    await expectRefusal(scene, { device: pump.id, asking: { csr: { key: 'shared' } } }, 'key-taken');
  });

  test('that this device has used before is refused: a renewal is of the key too', async () => {
    const { scene, pump } = await registeredScene();
    await rotate(scene, pump.id, { csr: { key: 'the first' } });
    await untilRenewal(scene, pump.id);
    const asking = { requestId: 'request-b', csr: { key: 'the first' } };
    await expectRefusal(scene, { device: pump.id, asking }, 'key-taken');
  });

  test('that another request has claimed in the meantime is refused, and one certificate is made of it', async () => {
    const { scene, pump } = await registeredScene();
    const other = await registerPump(scene, 'P2002');
    const theirs = await askFor(scene, other.id, { csr: { key: 'shared' } });
    const ours = await askFor(scene, pump.id, { csr: { key: 'shared' } });
    scene.registry.beforeCommit(async () => {
      await issueCertificate(theirs, scene);
    });
    expect(await issueCertificate(ours, scene)).toMatchObject({ refusal: { reason: 'key-taken' } });
    expect(scene.keys.signed).toHaveLength(1);
  });

  test('that is too weak to be certified is refused', async () => {
    const { scene, pump } = await registeredScene();
    const refusal = await refusalOf(scene, { device: pump.id, asking: { csr: { digest: 'sha1' } } });
    expect(refusal).toMatchObject({ reason: 'signature-unsupported' });
  });
});

test('T084 a request in the name of another is refused: it is compared, never copied', async () => {
  const { scene, pump } = await registeredScene();
  const asking = { csr: { name: 'acme-P2002' } };
  const refusal = await expectRefusal(scene, { device: pump.id, asking }, 'subject-differs');
  expect(refusal).toMatchObject({ expected: pump.id, got: 'acme-P2002' });
});

describe('T085 a request on the topic of one device over the connection of another', () => {
  test('is refused when the client differs from the topic, and nobody is answered', async () => {
    const { scene, pump } = await registeredScene();
    const other = await registerPump(scene, 'P2002');
    const body = await askFor(scene, pump.id, { client: other.id });
    expect(await issueCertificate(body, scene)).toEqual({
      outcome: 'refused',
      refusal: { reason: 'channel-differs', expected: pump.id, got: other.id },
    });
    expect(scene.topics.published).toEqual([]);
    expect(scene.keys.signed).toEqual([]);
  });

  test('is refused when it came over the certificate of another, though client and topic agree', async () => {
    const { scene, pump } = await registeredScene();
    const other = await registerPump(scene, 'P2002');
    const asking = { over: other.certificateId };
    await expectRefusal(scene, { device: pump.id, asking }, 'certificate-not-current');
  });

  test('is refused for a name that has power in topics', async () => {
    const { scene, pump } = await registeredScene();
    const body = await askFor(scene, pump.id, { client: '+', thing: '+' });
    expect(await issueCertificate(body, scene)).toMatchObject({ refusal: { reason: 'id-malformed' } });
    expect(scene.topics.published).toEqual([]);
  });
});

describe('T093 a renewal', () => {
  test('over the certificate in use is heard', async () => {
    const { scene, pump } = await operationalScene();
    valueOf(await issueCertificate(await askFor(scene, pump.id, { requestId: 'request-b' }), scene));
    expect(await readDevice(scene, pump.id)).toHaveProperty('offered');
  });

  test.each([
    ['the spent factory certificate', ({ pump }: Operational) => pump.certificateId],
    ['the valid certificate of another device', ({ other }: Operational) => other],
    ['one that nobody knows', () => 'e'.repeat(64)],
  ])('over %s is refused', async (_title, overOf) => {
    const { scene, pump, ...rest } = await operationalScene();
    const over = overOf({ scene, pump, ...rest });
    const asking = { requestId: 'request-b', over };
    const refusal = await expectRefusal(scene, { device: pump.id, asking }, 'certificate-not-current');
    expect(refusal).toMatchObject({ got: over });
  });

  test('over the certificate that is only offered is refused: it has not been confirmed', async () => {
    const { scene, pump } = await operationalScene();
    valueOf(await issueCertificate(await askFor(scene, pump.id, { requestId: 'request-b' }), scene));
    const row = await readDevice(scene, pump.id);
    const over = row?.state === 'operational' ? (row.offered?.certificateId ?? '') : '';
    scene.clock.advance(3_600_000);
    const asking = { requestId: 'request-c', over };
    await expectRefusal(scene, { device: pump.id, asking }, 'certificate-not-current');
  });
});

interface Asked {
  readonly device: string;
  readonly asking: Asking;
}

/** Refused with this reason, before anybody signed: one entry, the row as it was, and a device that hears no reason. */
async function expectRefusal(scene: IssuanceScene, asked: Asked, reason: RefusalReason) {
  const [before, signed] = [await readDevice(scene, asked.device), scene.keys.signed.length];
  const refusal = await refusalOf(scene, asked);
  expect(refusal.reason).toBe(reason);
  expect(await readDevice(scene, asked.device)).toEqual(before);
  expect(scene.keys.signed).toHaveLength(signed);
  const { requestId = 'request-a' } = asked.asking;
  expect(scene.topics.on(`wardkey/${asked.device}/certificate/rejected`)).toEqual([{ requestId, error: 'refused' }]);
  const entry = entriesOf(scene).find(({ leaf, detail }) => leaf.kind === 'refused' && detail.reason === reason);
  expect(entry?.detail).toMatchObject({ device: asked.device, inputs: { compared: refusal } });
  expect(gapsIn(scene)).toEqual([]);
  return refusal;
}

async function refusalOf(scene: IssuanceScene, { device, asking }: Asked) {
  const outcome = await issueCertificate(await askFor(scene, device, asking), scene);
  if (outcome.outcome === 'refused') return outcome.refusal;
  throw new Error('expected a refusal');
}

async function registeredScene() {
  const scene = await makeIssuanceScene();
  return { scene, pump: await registerPump(scene) };
}

type Operational = Awaited<ReturnType<typeof operationalScene>>;

/** In the last third of its certificate's life, beside another device in operation. */
async function operationalScene() {
  const { scene, pump } = await registeredScene();
  await rotate(scene, pump.id);
  const second = await registerPump(scene, 'P2002');
  const other = await rotate(scene, second.id, { requestId: 'request-o' });
  await untilRenewal(scene, pump.id);
  return { scene, pump, other };
}

async function spkiOf(key: webcrypto.CryptoKey): Promise<Buffer> {
  return Buffer.from(await webcrypto.subtle.exportKey('spki', key));
}

function keysFrom(key: webcrypto.CryptoKey) {
  const privateKey = KeyObject.from(key);
  return { privateKey, publicKey: createPublicKey(privateKey) };
}
