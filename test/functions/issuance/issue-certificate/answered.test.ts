// Does a key in a token sign through a queue as safely as one in AWS KMS does here? What comes back is believed by nobody.
import { describe, expect, test } from 'vitest';

import { concludeAnswered } from '../../../../functions/issuance/issue-certificate/answered.ts';
import { issueCertificate } from '../../../../functions/issuance/issue-certificate/flow.ts';
import { readCommissioned } from '../../../../shared/issuance/commission.ts';
import { intentKey, outcomeKey } from '../../../../shared/issuance/intent.ts';
import { deviceKey } from '../../../../shared/lifecycle.ts';
import { deny } from '../../../../shared/lifecycle-moves.ts';
import type { SigningOrder } from '../../../../shared/ports.ts';
import { SoftwareCertificateSigner } from '../../../fakes/software-certificate-signer.ts';
import { askFor, issuedTo, makeIssuanceScene, registerPump, valueOf } from '../../issuance-scene.ts';
import { gapsIn, kindsOf, readDevice } from '../../scene.ts';

const HOME = { kind: 'pkcs11', name: 'issuing key 1' } as const;

describe('a request whose key lives in a token', () => {
  test('is ordered with the very bytes of its intent, and nothing is answered yet', async () => {
    const { scene, pump, body } = await tokenScene();
    expect(await issueCertificate(body, scene)).toEqual({
      outcome: 'done',
      value: { device: pump.id, verdict: 'ordered' },
    });
    const [intent] = await scene.registry.read([intentKey(pump.id, 'request-a')]);
    expect(scene.signing.requested).toEqual([
      {
        intent: { kind: 'certificate', device: pump.id, requestId: 'request-a' },
        key: HOME.name,
        algorithm: 'ES256',
        tbs: intent?.['tbs'],
      },
    ]);
    expect(scene.topics.published).toEqual([]);
    expect(scene.keys.calls).toEqual([]);
    expect(await readDevice(scene, pump.id)).not.toHaveProperty('offered');
  });

  test('that comes again is ordered again, with the same bytes', async () => {
    const { scene, body } = await tokenScene();
    await issueCertificate(body, scene);
    await issueCertificate(body, scene);
    const [first, second] = scene.signing.requested;
    expect(second).toEqual(first);
  });

  test('is concluded by the answer: stored, offered, and told to the device', async () => {
    const { scene, pump, answer } = await orderedScene();
    expect(await concludeAnswered(answer, scene)).toEqual({
      outcome: 'done',
      value: { device: pump.id, verdict: 'issued' },
    });
    const [issued] = issuedTo(scene, pump.id);
    const der = Buffer.from(issued?.certificate ?? '', 'base64url');
    expect(readCommissioned(der, scene.issuing.issuer).prepared.commonName).toBe(pump.id);
    expect(await readDevice(scene, pump.id)).toHaveProperty('offered');
    expect(scene.alignments.requested).toEqual([pump.id]);
    expect(gapsIn(scene)).toEqual([]);
  });

  test('T088 answered twice, by two signatures, is one certificate', async () => {
    const { scene, pump, order, answer } = await orderedScene();
    valueOf(await concludeAnswered(answer, scene));
    valueOf(await concludeAnswered(await answerTo(order, scene.ceremony.issuingSigner), scene));
    expect(new Set(issuedTo(scene, pump.id).map(({ certificate }) => certificate)).size).toBe(1);
    expect(kindsOf(scene, `issuance/${pump.id}/request-a`)).toEqual(['issuance-intended', 'certificate-signed']);
  });

  test('asked again after the answer is answered from the store, and not ordered again', async () => {
    const { scene, pump, body, answer } = await orderedScene();
    valueOf(await concludeAnswered(answer, scene));
    expect(await issueCertificate(body, scene)).toMatchObject({ value: { verdict: 'issued' } });
    expect(scene.signing.requested).toHaveLength(1);
    expect(issuedTo(scene, pump.id)).toHaveLength(2);
  });
});

describe('an answer', () => {
  test.each([
    ['by another key', async ({ order }: Ordered) => answerTo(order, new SoftwareCertificateSigner())],
    [
      'over other bytes',
      async ({ order, scene }: Ordered) =>
        answerTo({ ...order, tbs: Buffer.from('other').toString('base64') }, scene.ceremony.issuingSigner),
    ],
    ['that is no signature', ({ order }: Ordered) => Promise.resolve(bodyOf(order, Buffer.from('nothing')))],
  ])('T092 %s is never stored: a fault, and the right one is taken later', async (_title, wrongOf) => {
    const ordered = await orderedScene();
    const { scene, pump, answer } = ordered;
    await expect(concludeAnswered(await wrongOf(ordered), scene)).rejects.toMatchObject({ code: 'answer-malformed' });
    expect(await scene.registry.read([outcomeKey(pump.id, 'request-a')])).toEqual([undefined]);
    expect(scene.topics.published).toEqual([]);
    expect(await concludeAnswered(answer, scene)).toMatchObject({ outcome: 'done' });
  });

  test('that nobody asked for is refused: whoever can write to the queue signs nothing by it', async () => {
    const { scene, pump, order } = await orderedScene();
    const intent = { kind: 'certificate', device: pump.id, requestId: 'request-z' } as const;
    const answer = await answerTo({ ...order, intent }, scene.ceremony.issuingSigner);
    const before = scene.registry.rows('devices');
    expect(await concludeAnswered(answer, scene)).toEqual({
      outcome: 'refused',
      refusal: { reason: 'request-over', requestId: 'request-z' },
    });
    expect(scene.registry.rows('devices')).toEqual(before);
    expect(scene.topics.published).toEqual([]);
  });

  test.each([
    ['that cannot be read', () => '{}'],
    [
      'of a revocation list',
      ({ order }: Ordered) =>
        bodyOf({ ...order, intent: { kind: 'list', issuer: 'a'.repeat(64), number: 1 } }, Buffer.from([1])),
    ],
  ])('%s is refused', async (_title, answerOf) => {
    const ordered = await orderedScene();
    expect(await concludeAnswered(answerOf(ordered), ordered.scene)).toMatchObject({
      refusal: { reason: 'request-malformed' },
    });
  });

  test('for a device that was denied meanwhile is taken back, and the device hears no more than that', async () => {
    const { scene, pump, answer } = await orderedScene();
    const row = await readDevice(scene, pump.id);
    scene.registry.seed(deviceKey(pump.id), (row && deny(row, { cause: 'stolen', now: scene.clock.now() })) ?? {});
    expect(await concludeAnswered(answer, scene)).toMatchObject({ refusal: { reason: 'denied' } });
    expect(issuedTo(scene, pump.id)).toEqual([]);
    expect(scene.topics.on(`wardkey/${pump.id}/certificate/rejected`)).toEqual([
      { requestId: 'request-a', error: 'refused' },
    ]);
    expect(kindsOf(scene, `device/${pump.id}`).at(-1)).toBe('certificate-ended');
  });
});

type Ordered = Awaited<ReturnType<typeof orderedScene>>;

async function tokenScene() {
  const scene = await makeIssuanceScene({ home: HOME, name: 'token' });
  const pump = await registerPump(scene);
  return { scene, pump, body: await askFor(scene, pump.id) };
}

async function orderedScene() {
  const { scene, pump, body } = await tokenScene();
  valueOf(await issueCertificate(body, scene));
  const [order] = scene.signing.requested;
  if (order === undefined) throw new Error('scene: nothing was ordered');
  return { scene, pump, body, order, answer: await answerTo(order, scene.ceremony.issuingSigner) };
}

/** As the signer beside the HSM answers. */
async function answerTo(order: SigningOrder, signer: SoftwareCertificateSigner): Promise<string> {
  return bodyOf(order, await signer.sign(Buffer.from(order.tbs, 'base64')));
}

function bodyOf({ intent }: SigningOrder, signature: Uint8Array): string {
  return JSON.stringify({ intent, signature: Buffer.from(signature).toString('base64') });
}
